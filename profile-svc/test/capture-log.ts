import type { Logger } from '@helios/runtime/log';
import pino from 'pino';

export type LogLine = Record<string, unknown> & { msg: string };

/** A logger that keeps its lines. */
export function captureLog(): { log: Logger; lines: LogLine[]; messages: () => string[] } {
  const lines: LogLine[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line) as LogLine) });
  return { log, lines, messages: () => lines.map((line) => line.msg) };
}
