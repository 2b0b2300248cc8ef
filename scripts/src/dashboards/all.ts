import type { DashboardSpec } from './dashboard.js';
import { overview } from './overview.js';
import { pipeline } from './pipeline.js';
import { services } from './services.js';

/** Where the dashboards stand, from the project's folder. */
export const dashboardsFolder = 'k8s/infra/prometheus-grafana/grafana/dashboards';

export const dashboards: readonly DashboardSpec[] = [overview, pipeline, services];
