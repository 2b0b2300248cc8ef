import { expect, it } from 'vitest';
import { portsFrom } from '../../src/walks/walk-ports.js';

const ports = portsFrom(15_000);

it('gives every service of the pages a port of its own, and moves addresses there and back', () => {
  expect(ports.env).toEqual({
    INGEST_PORT: '15000',
    PROFILE_PORT: '15001',
    ANALYTICS_PORT: '15002',
    DASHBOARD_PORT: '15003',
    ADMIN_PORT: '15005',
  });
  const command =
    "curl -d @- http://127.0.0.1:8080/bid; curl 'http://localhost:8000/api/'; npm run observe -- --port 9090; curl 127.0.0.1:9102/metrics";
  const chosen =
    "curl -d @- http://127.0.0.1:15000/bid; curl 'http://localhost:15002/api/'; npm run observe -- --port 15004; curl 127.0.0.1:15006/metrics";
  expect(ports.toChosen(command)).toBe(chosen);
  expect(ports.toPage(chosen)).toBe(command);
});

it('leaves other numbers and other hosts alone', () => {
  const text = 'kafka:9092 host:8080 8080 127.0.0.1:5432 10.127.0.0.1:80801 --rate 8080';
  expect(ports.toChosen(text)).toBe(text);
});
