// The bidder's worker, which dies of any batch that holds the marker: what a crash in native code or a full heap looks like from outside.
import work from '../../dist/bidder/worker.js';

export default function deadlyWork(task) {
  if (Buffer.from(task.bytes).includes('"deadly"')) process.exit(3);
  return work(task);
}
