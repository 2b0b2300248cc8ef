/** Small drawings in the colour of the text beside them. They say nothing that words do not say too. */

const paths = {
  up: 'M6 10V2M2.5 5.5 6 2l3.5 3.5',
  down: 'M6 2v8M2.5 6.5 6 10l3.5-3.5',
  same: 'M2 6h8',
  close: 'M2.5 2.5l7 7M9.5 2.5l-7 7',
  won: 'M2 6.5 5 9.5 10.5 2.5',
  lost: 'M2.5 2.5l7 7M9.5 2.5l-7 7',
  download: 'M6 1.5v6M3 5l3 3 3-3M1.5 10.5h9',
  pause: 'M4 2.5v7M8 2.5v7',
  resume: 'M3.5 2v8L10 6z',
  ascending: 'M2.5 7.5 6 4l3.5 3.5',
  descending: 'M2.5 4.5 6 8l3.5-3.5',
  system: 'M1.5 2h9v6h-9zM4 10.5h4M6 8v2.5',
  light: 'M6 4a2 2 0 1 0 0 4 2 2 0 0 0 0-4M6 .8v1M6 10.2v1M.8 6h1M10.2 6h1M2.3 2.3l.7.7M9 9l.7.7M2.3 9.7 3 9M9 3l.7-.7',
  dark: 'M10 7.5A4.5 4.5 0 0 1 4.5 2a4.5 4.5 0 1 0 5.500 5.500z',
} as const;
export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
