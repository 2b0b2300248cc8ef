import { request } from 'node:http';

export interface CsvExport {
  readonly rows: number;
  readonly bytes: number;
  readonly seconds: number;
}

/**
 * Reads a CSV export to its end and counts its rows (the head is none); the values are trusted to hold no line breaks, as made-up ones do.
 * @throws Error when the answer is no whole CSV.
 */
export function readCsvExport(port: number, path: string): Promise<CsvExport> {
  return new Promise((resolve, reject) => {
    const startedMonoMs = performance.now();
    const sent = request({ host: '127.0.0.1', port, path, headers: { accept: 'text/csv' } }, (response) => {
      let [lines, bytes, last] = [0, 0, 0];
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        last = chunk[chunk.length - 1] ?? last;
        for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines++;
      });
      response.on('error', reject);
      response.on('aborted', () => reject(new Error(`${path} broke off`)));
      response.on('end', () => {
        const seconds = (performance.now() - startedMonoMs) / 1000;
        if (response.statusCode !== 200 || response.headers['content-type']?.startsWith('text/csv') !== true)
          return reject(new Error(`${path} answered ${response.statusCode} ${response.headers['content-type']}`));
        if (last !== 10) lines++;
        resolve({ rows: lines - 1, bytes, seconds });
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}
