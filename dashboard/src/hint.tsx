import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

/**
 * A button that explains what stands beside it: by pointing, by focus, and by a tap, which some phones do not turn into focus.
 * Escape closes it; it stays while the pointer is on its text.
 */
export function Hint({ label, children }: { label: string; children: ComponentChildren }) {
  const open = useSignal(false);
  const id = useId();
  const show = () => void (open.value = true);
  const hide = () => void (open.value = false);
  return (
    <span
      class="hint"
      onPointerEnter={(event) => event.pointerType === 'mouse' && show()}
      onPointerLeave={(event) => event.pointerType === 'mouse' && hide()}
      onKeyDown={(event) => event.key === 'Escape' && hide()}
    >
      <button type="button" class="hint-mark" aria-label={label} aria-describedby={id} onFocus={show} onBlur={hide} onClick={show}>
        <span aria-hidden="true">?</span>
      </button>
      <span role="tooltip" id={id} class="hint-text" hidden={!open.value}>
        {children}
      </span>
    </span>
  );
}
