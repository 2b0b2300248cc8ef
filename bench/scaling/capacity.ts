/**
 * What a number of bids a second would need, from what one bid was measured to cost. Extrapolation, and no more: every cost is taken as the
 * same for each bid at any rate, which the scaling bench shows for the range that one machine reaches. Pure.
 */

/** Of one bid, at the highest rate measured. */
export interface CostPerBid {
  /** CPU microseconds by process, servers included; the load is not part of it. */
  readonly cpuMicros: Readonly<Record<string, number>>;
  readonly requestsPerBid: number;
  /** In the logs of Helios' topics, one copy. */
  readonly kafkaBytes: number;
  /** Of a row with its indexes; what PostgreSQL writes ahead for it. */
  readonly rowBytes: number;
  readonly walBytes: number;
  /** Sent over the network by anybody, once each. */
  readonly networkBytes: number;
}

export interface CapacityAssumptions {
  /** Share of a core's time that may be planned with. */
  readonly utilisation: number;
  /** Copies of each event. Each costs the broker's CPU again: followers fetch and write what the leader wrote. */
  readonly kafkaCopies: number;
  readonly kafkaRetentionHours: number;
  readonly databaseRetentionDays: number;
  /** Cores of one PostgreSQL primary; above it the outcomes are divided among several. */
  readonly databaseCoresMax: number;
  /** Cores that one process of a service keeps busy: JavaScript is one thread, Kafka's client and garbage collection take some more. */
  readonly coresPerProcess: number;
}

export const assumptions: CapacityAssumptions = {
  utilisation: 0.6,
  kafkaCopies: 3,
  kafkaRetentionHours: 72,
  databaseRetentionDays: 90,
  databaseCoresMax: 16,
  coresPerProcess: 1,
};

/** Servers, by their names in results; everything else is a service of Helios. */
const KAFKA = 'kafka';
const DATABASE = 'postgresql';
const SERVERS: readonly string[] = [KAFKA, DATABASE, 'redis'];
/** Not asked more because bids are more: it reads. */
const READERS: readonly string[] = ['api'];

export interface CapacityNeed {
  readonly bidsPerSecond: number;
  readonly requestsPerSecond: number;
  /** Cores by process, at the utilisation assumed. */
  readonly cores: Readonly<Record<string, number>>;
  readonly coresTotal: number;
  /** Processes of each service, at least one. */
  readonly processes: Readonly<Record<string, number>>;
  readonly databases: number;
  /** Written by all brokers together. */
  readonly kafkaBytesPerSecond: number;
  readonly kafkaDiskBytes: number;
  readonly databaseWriteBytesPerSecond: number;
  readonly databaseDiskBytes: number;
  readonly networkBitsPerSecond: number;
}

/** @throws Error when the rate is not positive. */
export function capacityFor(bidsPerSecond: number, cost: CostPerBid, assumed: CapacityAssumptions = assumptions): CapacityNeed {
  if (!(bidsPerSecond > 0)) throw new Error(`${bidsPerSecond} bids a second is no rate`);
  const cores: Record<string, number> = {};
  const processes: Record<string, number> = {};
  for (const [name, micros] of Object.entries(cost.cpuMicros)) {
    if (READERS.includes(name)) continue;
    const copies = name === KAFKA ? assumed.kafkaCopies : 1;
    cores[name] = (bidsPerSecond * micros * copies) / 1e6 / assumed.utilisation;
    if (!SERVERS.includes(name)) processes[name] = Math.max(1, Math.ceil(cores[name] / assumed.coresPerProcess));
  }
  const kafkaBytesPerSecond = bidsPerSecond * cost.kafkaBytes * assumed.kafkaCopies;
  const databaseDays = assumed.databaseRetentionDays * 86_400;
  return {
    bidsPerSecond,
    requestsPerSecond: bidsPerSecond * cost.requestsPerBid,
    cores,
    coresTotal: Object.values(cores).reduce((sum, value) => sum + value, 0),
    processes,
    databases: Math.max(1, Math.ceil((cores[DATABASE] ?? 0) / assumed.databaseCoresMax)),
    kafkaBytesPerSecond,
    kafkaDiskBytes: kafkaBytesPerSecond * assumed.kafkaRetentionHours * 3600,
    databaseWriteBytesPerSecond: bidsPerSecond * (cost.walBytes + cost.rowBytes),
    databaseDiskBytes: bidsPerSecond * cost.rowBytes * databaseDays,
    // A follower fetches each event once more.
    networkBitsPerSecond: bidsPerSecond * (cost.networkBytes + cost.kafkaBytes * (assumed.kafkaCopies - 1)) * 8,
  };
}
