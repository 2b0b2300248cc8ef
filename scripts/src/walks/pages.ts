/** The pages whose commands are run and checked. */

/** Every fenced block of these pages has a marker. In this order they are walked. */
export const walkPages = [
  'README.md',
  'docs/setup-guide.md',
  'docs/testing/phase-1-verification.md',
  'docs/testing/phase-2-verification.md',
  'docs/testing/phase-3-verification.md',
  'docs/testing/final-verification.md',
  'docs/runbook.md',
  'docs/images.md',
] as const;

/** The sections of the verification pages: what stands in the one is run, in the other checked, and the headings say so to the reader. */
export const sections = { cluster: 'In a cluster', local: 'Without a cluster' } as const;

export function isVerification(path: string): boolean {
  return path.startsWith('docs/testing/');
}
