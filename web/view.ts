// view.ts - the view layer: descriptions of elements (h, or TSX), and patch(), which makes a part of the document look like them.
//
// Components are plain functions called while the description is made; state lives in the modules that own it, and whoever
// changes some calls redraw(). Children with keys keep their elements when they move. Texts only ever become text nodes.
// Events are delegated: one listener on the document for each kind, handlers lie beside their elements.

export type Key = string | number;
export type Child = VNode | string | number | boolean | null | undefined | Child[];
export type Props = Record<string, any>;
export type Component<P = any> = (props: P) => Child;

export interface VNode {
  tag: string; // '#' is a text
  props: Props;
  kids: VNode[];
  key?: Key;
  text: string;
  dom?: Node;
}

const NO_PROPS: Props = Object.freeze({});
const NO_KIDS: VNode[] = [];

function textNode(text: string): VNode {
  return { tag: '#', props: NO_PROPS, kids: NO_KIDS, text };
}

function flatten(children: Child[], out: VNode[]): VNode[] {
  for (const c of children) {
    if (Array.isArray(c)) flatten(c, out);
    else if (c === null || c === undefined || typeof c === 'boolean') continue;
    else if (typeof c === 'object') out.push(c);
    else out.push(textNode(String(c)));
  }
  return out;
}

export function Fragment(props: { children?: Child[] }): Child {
  return props.children ?? [];
}

export function h(tag: string | Component, props: Props | null, ...children: Child[]): Child {
  if (typeof tag === 'function') {
    const made = tag({ ...props, children });
    if (props?.key !== undefined && made && typeof made === 'object' && !Array.isArray(made)) made.key = props.key;
    return made;
  }
  return { tag, props: props ?? NO_PROPS, kids: flatten(children, []), key: props?.key, text: '' };
}

// --- events -------------------------------------------------------------------------------------------------------------

type Handler = (event: any) => void;
type Carrier = Element & { __on?: Record<string, Handler> };

const listening = new Set<string>();
const STAYS = new Set(['focus', 'blur', 'scroll', 'load', 'mouseenter', 'mouseleave', 'pointerenter', 'pointerleave', 'cancel', 'close', 'toggle']);

function dispatch(event: Event): void {
  let at = event.target as Carrier | null;
  while (at && at.nodeType) {
    const handler = at.__on?.[event.type];
    if (handler) {
      handler.call(at, event);
      if (event.cancelBubble) return;
    }
    if (STAYS.has(event.type)) return;
    at = at.parentNode as Carrier | null;
  }
}

function listen(type: string): void {
  if (listening.has(type)) return;
  listening.add(type);
  document.addEventListener(type, dispatch, { capture: true, passive: type === 'scroll' || type === 'wheel' });
}

// --- one element's properties -----------------------------------------------------------------------------------------

const AS_PROPERTY = new Set(['value', 'checked', 'disabled', 'selected', 'indeterminate', 'scrollTop', 'htmlFor', 'readOnly', 'open', 'inert']);

function setStyle(el: HTMLElement | SVGElement, before: Props | undefined, now: Props | undefined): void {
  for (const name in before) if (!now || !(name in now)) el.style.removeProperty(name);
  for (const name in now) if (!before || before[name] !== now[name]) el.style.setProperty(name, String(now[name]));
}

function setProp(el: Carrier, name: string, before: any, now: any): void {
  if (name === 'key' || name === 'ref' || name === 'children') return;
  if (name === 'style') return setStyle(el as HTMLElement, before, now);
  if (name.startsWith('on')) {
    const type = name.slice(2).toLowerCase();
    const on = (el.__on ??= {});
    if (now) on[type] = now;
    else delete on[type];
    return listen(type);
  }
  if (AS_PROPERTY.has(name) && name in el) {
    const value = now ?? (typeof (el as any)[name] === 'boolean' ? false : '');
    if ((el as any)[name] !== value) (el as any)[name] = value;
    return;
  }
  if (before === now) return;
  const attribute = name === 'className' ? 'class' : name;
  if (now === null || now === undefined || now === false) el.removeAttribute(attribute);
  else el.setAttribute(attribute, now === true && !name.startsWith('aria-') ? '' : String(now));
}

function setProps(el: Carrier, before: Props, now: Props): void {
  for (const name in before) if (!(name in now)) setProp(el, name, before[name], undefined);
  // a select's or range's value is only taken when its options and bounds are there: values come last
  for (const name in now) if (name !== 'value' && (before[name] !== now[name] || AS_PROPERTY.has(name))) setProp(el, name, before[name], now[name]);
}

// --- making, patching, removing -------------------------------------------------------------------------------------------

const SVG = 'http://www.w3.org/2000/svg';
let mounted: Array<() => void> = [];

function make(v: VNode, svg: boolean): Node {
  if (v.tag === '#') return (v.dom = document.createTextNode(v.text));
  const inSvg = svg || v.tag === 'svg';
  const el = (inSvg ? document.createElementNS(SVG, v.tag) : document.createElement(v.tag)) as Carrier;
  v.dom = el;
  setProps(el, NO_PROPS, v.props);
  for (const kid of v.kids) el.appendChild(make(kid, inSvg));
  if ('value' in v.props) setProp(el, 'value', undefined, v.props.value);
  if (v.props.ref) {
    const ref = v.props.ref;
    mounted.push(() => ref(el));
  }
  return el;
}

function forget(v: VNode): void {
  if (v.props.ref) v.props.ref(null);
  for (const kid of v.kids) forget(kid);
}

function isSame(a: VNode, b: VNode): boolean {
  return a.tag === b.tag && a.key === b.key;
}

function patchNode(before: VNode, now: VNode, svg: boolean): void {
  if (before === now) return;
  const dom = (now.dom = before.dom!);
  if (now.tag === '#') {
    if (before.text !== now.text) (dom as Text).data = now.text;
    return;
  }
  const inSvg = svg || now.tag === 'svg';
  setProps(dom as Carrier, before.props, now.props);
  patchKids(dom as Element, before.kids, now.kids, inSvg);
  if ('value' in now.props) setProp(dom as Carrier, 'value', before.props.value, now.props.value);
  if (before.props.ref !== now.props.ref && now.props.ref && !before.props.ref) mounted.push(() => now.props.ref(dom));
}

function patchKids(parent: Element, before: VNode[], now: VNode[], svg: boolean): void {
  let from = 0;
  let end = before.length;
  let to = now.length;

  while (from < end && from < to && isSame(before[from]!, now[from]!)) {
    patchNode(before[from]!, now[from]!, svg);
    from++;
  }
  while (end > from && to > from && isSame(before[end - 1]!, now[to - 1]!)) patchNode(before[--end]!, now[--to]!, svg);

  const rest = new Map<string, VNode[]>();
  for (let i = from; i < end; i++) {
    const v = before[i]!;
    const name = `${v.tag}\n${v.key ?? ''}`;
    const list = rest.get(name);
    if (list) list.push(v);
    else rest.set(name, [v]);
  }
  let behind: Node | null = to < now.length ? now[to]!.dom! : null;
  const found: Array<VNode | undefined> = [];
  for (let i = from; i < to; i++) found[i] = rest.get(`${now[i]!.tag}\n${now[i]!.key ?? ''}`)?.shift();
  for (const list of rest.values())
    for (const v of list) {
      forget(v);
      parent.removeChild(v.dom!);
    }
  for (let i = to - 1; i >= from; i--) {
    const v = now[i]!;
    const old = found[i];
    if (old) patchNode(old, v, svg);
    else make(v, svg);
    if (v.dom!.nextSibling !== behind || v.dom!.parentNode !== parent) parent.insertBefore(v.dom!, behind);
    behind = v.dom!;
  }
}

const shown = new WeakMap<Element, VNode[]>();

export function patch(root: Element, child: Child): void {
  const now = flatten([child], []);
  const focused = document.activeElement as HTMLElement | null;
  patchKids(root, shown.get(root) ?? [], now, false);
  shown.set(root, now);
  // an element that was moved has lost the focus
  if (focused && focused !== document.activeElement && root.contains(focused)) focused.focus({ preventScroll: true });
  const hooks = mounted;
  mounted = [];
  for (const hook of hooks) hook();
}

// --- when to draw -------------------------------------------------------------------------------------------------------

let draw: () => void = () => {};
let asked = false;

export function mount(root: Element, view: () => Child): void {
  draw = () => {
    asked = false;
    patch(root, view());
  };
  draw();
}

// Draws once before the next frame, however often it is asked for.
export function redraw(): void {
  if (asked) return;
  asked = true;
  if (document.visibilityState === 'hidden') setTimeout(draw, 1000);
  else requestAnimationFrame(draw);
}

// A description that is made again only when one of the values it was made from is another one.
export function memo(cache: Map<Key, { from: unknown[]; made: VNode }>, key: Key, from: unknown[], view: () => Child): Child {
  const kept = cache.get(key);
  if (kept && kept.from.length === from.length && kept.from.every((v, i) => Object.is(v, from[i]))) return kept.made;
  const made = view() as VNode;
  made.key = key;
  cache.set(key, { from, made });
  return made;
}
