import { loadConfig } from '@helios/runtime/config';
import { type BidderConfig, bidderSettings } from '../../src/bidder/settings.js';

/** The bidder's configuration from `env`, defaults for the rest. */
export function bidderConfig(env: Record<string, string> = {}): BidderConfig {
  return loadConfig({ service: 'bidder', schema: bidderSettings, env, knownVariables: [] });
}
