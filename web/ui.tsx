// ui.tsx - the pieces that pages are made of: buttons, fields, dialogs, menus, messages.
import { ApiError } from './api';
import { Icon, IconName } from './icons';
import { TextKey, t } from './text';
import { Child, Fragment, h, redraw } from './view';

// --- buttons and fields -----------------------------------------------------------------------------------------------

interface ButtonProps {
  label: string;
  icon?: IconName;
  kind?: string; // primary, quiet, danger, small
  iconOnly?: boolean;
  disabled?: boolean;
  pressed?: boolean;
  busy?: boolean;
  title?: string;
  id?: string;
  haspopup?: string;
  name?: string; // for who does not see what it stands beside
  onClick?: (event: MouseEvent) => void;
}

export function Button(p: ButtonProps): Child {
  return (
    <button
      type="button"
      id={p.id}
      class={`btn ${p.kind ?? ''} ${p.iconOnly ? 'icon-only' : ''}`}
      disabled={p.disabled || p.busy}
      aria-pressed={p.pressed === undefined ? undefined : String(p.pressed)}
      aria-busy={p.busy ? 'true' : undefined}
      aria-label={p.name ?? (p.iconOnly ? p.label : undefined)}
      aria-haspopup={p.haspopup}
      title={p.title ?? (p.iconOnly ? p.label : undefined)}
      onClick={p.onClick}
    >
      {p.icon && <Icon name={p.icon} />}
      {!p.iconOnly && p.label}
    </button>
  );
}

interface FieldProps {
  id: string;
  label: string;
  hint?: Child;
  wrong?: string;
  children?: Child;
}

export function Field(p: FieldProps): Child {
  return (
    <div class="field">
      <label for={p.id}>{p.label}</label>
      {p.children}
      {p.wrong ? (
        <span class="wrong" id={`${p.id}-wrong`} role="alert">
          {p.wrong}
        </span>
      ) : (
        p.hint && <span class="hint">{p.hint}</span>
      )}
    </div>
  );
}

interface InputProps {
  id: string;
  value: string;
  onInput: (value: string) => void;
  onEnter?: () => void;
  type?: string;
  placeholder?: string;
  wrong?: boolean;
  mono?: boolean;
  label?: string;
  autofocus?: boolean;
  list?: string;
  min?: number;
  max?: number;
  disabled?: boolean;
  autocomplete?: string;
}

export function Input(p: InputProps): Child {
  return (
    <input
      id={p.id}
      class={`input ${p.mono ? 'mono' : ''}`}
      type={p.type ?? 'text'}
      value={p.value}
      placeholder={p.placeholder}
      list={p.list}
      min={p.min}
      max={p.max}
      disabled={p.disabled}
      autocomplete={p.autocomplete ?? 'off'}
      spellcheck="false"
      autocapitalize="off"
      aria-label={p.label}
      aria-invalid={p.wrong ? 'true' : undefined}
      aria-describedby={p.wrong ? `${p.id}-wrong` : undefined}
      data-autofocus={p.autofocus ? '' : undefined}
      onInput={(e: Event) => p.onInput((e.target as HTMLInputElement).value)}
      onKeydown={
        p.onEnter &&
        ((e: KeyboardEvent) => {
          if (e.key === 'Enter' && !e.isComposing) {
            e.preventDefault();
            p.onEnter!();
          }
        })
      }
    />
  );
}

interface SelectProps {
  id: string;
  value: string;
  options: ReadonlyArray<readonly [string, string]>;
  onChange: (value: string) => void;
  label?: string;
  disabled?: boolean;
}

export function Select(p: SelectProps): Child {
  return (
    <select id={p.id} class="select" value={p.value} disabled={p.disabled} aria-label={p.label} onChange={(e: Event) => p.onChange((e.target as HTMLSelectElement).value)}>
      {p.options.map(([value, text]) => (
        <option key={value} value={value}>
          {text}
        </option>
      ))}
    </select>
  );
}

export function Switch(p: { on: boolean; label: string; disabled?: boolean; id?: string; onChange: (on: boolean) => void }): Child {
  return (
    <button type="button" id={p.id} class="switch" role="switch" aria-checked={String(p.on)} aria-label={p.label} disabled={p.disabled} onClick={() => p.onChange(!p.on)} />
  );
}

interface Choice<T extends string> {
  value: T;
  label: string;
  icon?: IconName;
  iconOnly?: boolean;
}

// One of a few, side by side; the arrow keys move through them.
export function Segmented<T extends string>(p: { label: string; value: T; choices: ReadonlyArray<Choice<T>>; onChange: (value: T) => void }): Child {
  return (
    <div class="seg" role="radiogroup" aria-label={p.label} onKeydown={roveKey}>
      {p.choices.map((c) => (
        <button
          key={c.value}
          type="button"
          role="radio"
          aria-checked={String(p.value === c.value)}
          aria-label={c.iconOnly ? c.label : undefined}
          title={c.iconOnly ? c.label : undefined}
          tabindex={p.value === c.value ? 0 : -1}
          onClick={() => p.onChange(c.value)}
        >
          {c.icon && <Icon name={c.icon} />}
          {!c.iconOnly && c.label}
        </button>
      ))}
    </div>
  );
}

// Arrow keys, Home and End move the focus among the buttons of a group.
export function roveKey(event: KeyboardEvent): void {
  const group = (event.target as Element).closest('[role=radiogroup],[role=menu],[role=tablist]');
  const items = group ? [...group.querySelectorAll<HTMLElement>('button:not(:disabled)')] : [];
  const at = items.indexOf(event.target as HTMLElement);
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  const next = event.key === 'Home' ? 0 : event.key === 'End' ? items.length - 1 : step && at >= 0 ? (at + step + items.length) % items.length : -1;
  if (next < 0) return;
  event.preventDefault();
  items[next]?.focus();
  if (items[next]?.getAttribute('role') === 'radio') items[next]!.click();
}

// A sentence whose `names` stand in backticks.
export function Prose({ text }: { text: string }): Child {
  return <>{text.split('`').map((piece, i) => (i % 2 ? <code>{piece}</code> : piece))}</>;
}

// --- states of a view -------------------------------------------------------------------------------------------------

export function Empty(p: { icon: IconName; title: string; text?: Child; children?: Child }): Child {
  return (
    <div class="empty">
      <Icon name={p.icon} />
      <h2>{p.title}</h2>
      {p.text && <p>{p.text}</p>}
      {p.children}
    </div>
  );
}

export function Loading({ rows = 4, height = 44 }: { rows?: number; height?: number }): Child {
  return (
    <div class="stack" role="status" aria-busy="true" aria-label={t('state.loading')}>
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} class="skeleton" style={{ height: `${height}px` }} />
      ))}
    </div>
  );
}

export function Failure({ error, retry }: { error: ApiError; retry: () => void }): Child {
  if (error.absent) return <Empty icon="info" title={t('state.absent')} text={t('state.absent_text')} />;
  return (
    <Empty icon="warn" title={error.status === 0 ? t('state.offline') : t('state.failed')} text={error.message || t('state.offline_text')}>
      <Button label={t('do.retry')} icon="refresh" onClick={retry} />
    </Empty>
  );
}

// Data that a page asks for, with its four states.
export class Loader<T> {
  data: T | null = null;
  error: ApiError | null = null;
  loading = false;
  private turn = 0;
  constructor(private readonly ask: () => Promise<T>) {}

  async load(): Promise<void> {
    const turn = ++this.turn;
    this.loading = true;
    redraw();
    try {
      const data = await this.ask();
      if (turn !== this.turn) return;
      this.data = data;
      this.error = null;
    } catch (error) {
      if (turn !== this.turn) return;
      this.error = error instanceof ApiError ? error : new ApiError(0, (error as Error).message);
    }
    this.loading = false;
    redraw();
  }

  ensure(): void {
    if (!this.data && !this.error && !this.loading) void this.load();
  }

  view(show: (data: T) => Child, rows = 4): Child {
    this.ensure();
    if (this.data) return show(this.data);
    if (this.error) return <Failure error={this.error} retry={() => void this.load()} />;
    return <Loading rows={rows} />;
  }
}

// --- messages ---------------------------------------------------------------------------------------------------------

interface Toast {
  id: number;
  text: string;
  bad: boolean;
  action?: { label: string; run: () => void };
  timer: number;
}

let toasts: Toast[] = [];
let toastId = 0;

export function dropToast(id: number): void {
  toasts = toasts.filter((m) => m.id !== id);
  redraw();
}

export function say(text: string, options: { bad?: boolean; action?: Toast['action'] } = {}): void {
  const id = ++toastId;
  const stay = options.action ? 9000 : options.bad ? 8000 : 3500;
  toasts = [...toasts.slice(-3), { id, text, bad: !!options.bad, action: options.action, timer: window.setTimeout(() => dropToast(id), stay) }];
  redraw();
}

export function sayError(error: unknown): void {
  const e = error as ApiError;
  if (e?.status === 401) return;
  say(e?.status === 0 ? t('state.offline') : e?.message || String(error), { bad: true });
}

let toastBox: HTMLElement | null = null;

export function Toasts(): Child {
  queueMicrotask(() => {
    const box = toastBox as any;
    if (!box?.showPopover) return;
    if (toasts.length > 0) {
      if (box.dataset.top === String(toastId)) return; // raised already
      if (box.matches(':popover-open')) box.hidePopover();
      box.showPopover();
      box.dataset.top = String(toastId);
    } else if (box.matches(':popover-open')) box.hidePopover();
  });
  return (
    <div class="toasts" popover="manual" role="status" aria-live="polite" ref={(el: HTMLElement | null) => (toastBox = el)}>
      {toasts.map((m) => (
        <div key={m.id} class={`toast ${m.bad ? 'bad' : ''}`}>
          <span class="grow">{m.text}</span>
          {m.action && (
            <button
              type="button"
              class="btn small"
              onClick={() => {
                dropToast(m.id);
                m.action!.run();
              }}
            >
              {m.action.label}
            </button>
          )}
          <button type="button" class="btn small icon-only" aria-label={t('do.close')} onClick={() => dropToast(m.id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}

// --- dialogs ----------------------------------------------------------------------------------------------------------

export interface DialogHandle {
  close: () => void;
}

interface Dialog extends DialogHandle {
  id: number;
  kind: string;
  title: () => Child;
  body: () => Child;
  foot?: () => Child;
  onClose?: () => void;
  before: Element | null;
}

let dialogs: Dialog[] = [];
let dialogId = 0;

interface DialogOptions {
  title: string | (() => Child);
  kind?: string; // box, box wide, drawer
  body: (handle: DialogHandle) => Child;
  foot?: (handle: DialogHandle) => Child;
  onClose?: () => void;
}

export function openDialog(options: DialogOptions): DialogHandle {
  const id = ++dialogId;
  const close = (): void => {
    const d = dialogs.find((one) => one.id === id);
    if (!d) return;
    dialogs = dialogs.filter((one) => one !== d);
    redraw();
    d.onClose?.();
    if (d.before instanceof HTMLElement) {
      const back = d.before;
      requestAnimationFrame(() => back.isConnected && back.focus());
    }
  };
  const handle = { close };
  dialogs = [
    ...dialogs,
    {
      id,
      close,
      kind: options.kind ?? 'box',
      title: () => (typeof options.title === 'string' ? options.title : options.title()),
      body: () => options.body(handle),
      foot: options.foot && (() => options.foot!(handle)),
      onClose: options.onClose,
      before: document.activeElement,
    },
  ];
  redraw();
  return handle;
}

export function dialogsOpen(): boolean {
  return dialogs.length > 0;
}

const SHOW = (el: HTMLDialogElement | null): void => {
  if (!el || el.open) return;
  el.showModal();
  (el.querySelector<HTMLElement>('[data-autofocus]') ?? el.querySelector<HTMLElement>('.dialog-body input, .dialog-body select, .dialog-body textarea, .dialog-body button') ?? el).focus();
};

export function Dialogs(): Child {
  return dialogs.map((d) => (
    <dialog
      key={`dialog-${d.id}`}
      class={d.kind}
      aria-labelledby={`dialog-${d.id}-title`}
      ref={SHOW}
      onCancel={(e: Event) => {
        e.preventDefault();
        d.close();
      }}
      onMousedown={(e: MouseEvent) => {
        const el = e.target as HTMLElement;
        if (el.tagName !== 'DIALOG') return;
        const r = el.getBoundingClientRect();
        if (e.clientX < r.left || e.clientX > r.right || e.clientY < r.top || e.clientY > r.bottom) d.close();
      }}
    >
      <div class="dialog-head">
        <h2 class="grow clip" id={`dialog-${d.id}-title`}>
          {d.title()}
        </h2>
        <Button label={t('do.close')} icon="close" iconOnly kind="quiet small" onClick={d.close} />
      </div>
      <div class="dialog-body" tabindex="-1">
        {d.body()}
      </div>
      {d.foot && <div class="dialog-foot">{d.foot()}</div>}
    </dialog>
  ));
}

// Asks before something that cannot be undone.
export function confirmDo(options: { title: string; text: Child; label: string; danger?: boolean; run: () => Promise<unknown> }): void {
  let busy = false;
  openDialog({
    title: options.title,
    body: () => <p>{options.text}</p>,
    foot: (d) => (
      <>
        <Button label={t('do.cancel')} onClick={d.close} />
        <Button
          label={options.label}
          kind={`primary ${options.danger ? 'danger' : ''}`}
          busy={busy}
          onClick={async () => {
            busy = true;
            redraw();
            try {
              await options.run();
              d.close();
            } catch (error) {
              sayError(error);
            }
            busy = false;
            redraw();
          }}
        />
      </>
    ),
  });
}

// --- menus ------------------------------------------------------------------------------------------------------------

export interface MenuItem {
  label: string;
  icon?: IconName;
  danger?: boolean;
  disabled?: boolean;
  checked?: boolean;
  line?: boolean; // above it
  run: () => void;
}

let menu: { items: MenuItem[]; at: DOMRect; from: HTMLElement; label: string } | null = null;

export function openMenu(event: Event, label: string, items: MenuItem[]): void {
  const from = (event.target as Element).closest('button') as HTMLElement;
  if (menu?.from === from) return closeMenu();
  menu = { items, at: from.getBoundingClientRect(), from, label };
  redraw();
}

export function closeMenu(): void {
  if (!menu) return;
  const { from } = menu;
  menu = null;
  redraw();
  from.focus();
}

export function Menu(): Child {
  if (!menu) return null;
  const { items, at, label } = menu;
  const place = (el: HTMLElement | null): void => {
    if (!el) return;
    const { width, height } = el.getBoundingClientRect();
    const below = at.bottom + height + 8 < innerHeight;
    el.style.left = `${Math.max(8, Math.min(at.right - width, innerWidth - width - 8))}px`;
    el.style.top = `${below ? at.bottom + 4 : Math.max(8, at.top - height - 4)}px`;
    el.querySelector('button')?.focus();
  };
  return (
    <div
      key="menu"
      class="menu"
      role="menu"
      aria-label={label}
      ref={place}
      onKeydown={(e: KeyboardEvent) => {
        if (e.key === 'Escape' || e.key === 'Tab') {
          e.preventDefault();
          closeMenu();
        } else roveKey(e);
      }}
    >
      {items.map((item, i) => (
        <>
          {item.line && <hr key={`line-${i}`} />}
          <button
            key={`item-${i}`}
            type="button"
            role="menuitem"
            class={item.danger ? 'danger' : ''}
            disabled={item.disabled}
            onClick={() => {
              closeMenu();
              item.run();
            }}
          >
            {item.icon && <Icon name={item.icon} />}
            {item.label}
            {item.checked && <Icon name="check" className="check" />}
          </button>
        </>
      ))}
    </div>
  );
}

document.addEventListener('pointerdown', (e) => {
  if (menu && !(e.target as Element).closest('.menu') && !menu.from.contains(e.target as Node)) closeMenu();
});
window.addEventListener('resize', () => menu && closeMenu());

// --- copying ----------------------------------------------------------------------------------------------------------

// navigator.clipboard exists only in secure contexts; a page over plain http selects a hidden text and copies that.
export async function copyText(text: string): Promise<boolean> {
  try {
    if (navigator.clipboard && window.isSecureContext) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch {
    // then the old way
  }
  const area = document.createElement('textarea');
  const host = document.querySelector('dialog[open]:last-of-type') ?? document.body;
  const focused = document.activeElement as HTMLElement | null;
  area.value = text;
  area.setAttribute('readonly', '');
  area.style.position = 'fixed';
  area.style.opacity = '0';
  host.appendChild(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  focused?.focus();
  return done;
}

export async function copyAndSay(text: string): Promise<void> {
  say(t((await copyText(text)) ? 'copy.done' : ('copy.failed' as TextKey)));
}

export function Copy({ text, label }: { text: string; label?: string }): Child {
  return (
    <div class="copy">
      <pre tabindex="0" aria-label={label}>
        {text}
      </pre>
      <Button label={t('do.copy')} icon="copy" kind="quiet small" onClick={() => void copyAndSay(text)} />
    </div>
  );
}

// --- virtual rows -------------------------------------------------------------------------------------------------------

// Of many rows of one height only those in sight exist. `scroller` is the element that scrolls, `list` the one in it that holds them.
export class Rows {
  private outer: HTMLElement | null = null;
  private inner: HTMLElement | null = null;
  private top = 0;
  private offset = 0;
  private height = 800;
  width = 1000;
  private readonly watch = new ResizeObserver(() => this.measure());

  readonly scroller = (el: HTMLElement | null): void => {
    if (this.outer) this.watch.unobserve(this.outer);
    this.outer = el;
    if (el) this.watch.observe(el);
    this.measure();
  };

  readonly list = (el: HTMLElement | null): void => {
    this.inner = el;
    this.measure();
  };

  readonly onScroll = (): void => this.measure();

  private measure(): void {
    if (!this.outer) return;
    const { clientHeight, clientWidth, scrollTop } = this.outer;
    const offset = this.inner?.offsetTop ?? 0;
    if (clientHeight === this.height && clientWidth === this.width && scrollTop === this.top && offset === this.offset) return;
    this.height = clientHeight;
    this.width = clientWidth;
    this.top = scrollTop;
    this.offset = offset;
    redraw();
  }

  // The rows in sight and a few around them.
  window(count: number, rowHeight: number): { from: number; to: number; before: number; after: number } {
    const spare = 3;
    const from = Math.max(0, Math.min(count, Math.floor((this.top - this.offset) / rowHeight) - spare));
    const to = Math.min(count, from + Math.ceil(this.height / rowHeight) + 2 * spare);
    return { from, to, before: from * rowHeight, after: (count - to) * rowHeight };
  }

  // The same for rows of different heights.
  among(heights: number[], gap: number): { from: number; to: number; before: number; after: number } {
    const see = this.top - this.offset;
    let from = 0;
    let before = 0;
    while (from < heights.length && before + heights[from]! + gap < see - 300) before += heights[from++]! + gap;
    let to = from;
    let end = before;
    while (to < heights.length && end < see + this.height + 300) end += heights[to++]! + gap;
    let after = 0;
    for (let i = to; i < heights.length; i++) after += heights[i]! + gap;
    return { from, to, before, after };
  }

  show(index: number, rowHeight: number): void {
    if (!this.outer) return;
    const y = index * rowHeight;
    const top = this.outer.scrollTop - this.offset;
    if (y < top) this.outer.scrollTop = y + this.offset;
    else if (y + 2 * rowHeight > top + this.height) this.outer.scrollTop = y + 2 * rowHeight + this.offset - this.height;
  }
}
