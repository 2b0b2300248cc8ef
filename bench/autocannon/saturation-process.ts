import { serveOrders } from '../kept-process.js';
import { saturateBid } from './saturation.js';

/** A process of autocannon that stays between runs: a client that is still being compiled does not saturate. */
serveOrders(saturateBid);
