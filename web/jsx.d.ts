// What TSX may hold, for the type checker: any element of HTML and SVG, with any attribute.
declare namespace JSX {
  type Element = import('./view').Child;
  interface ElementChildrenAttribute {
    children: {};
  }
  interface IntrinsicElements {
    [tag: string]: any;
  }
  interface IntrinsicAttributes {
    key?: string | number;
  }
}
