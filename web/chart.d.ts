// What is used of Debian's Chart.js and qrcode-generator, which bring no types.
declare module 'chart.js' {
  export class Chart {
    constructor(canvas: HTMLCanvasElement, config: unknown);
    static register(...parts: unknown[]): void;
    data: any;
    options: any;
    update(mode?: string): void;
    destroy(): void;
  }
  export const BarController: unknown;
  export const BarElement: unknown;
  export const CategoryScale: unknown;
  export const LinearScale: unknown;
  export const Tooltip: unknown;
}

declare module 'qrcode-generator' {
  interface Code {
    addData(text: string): void;
    make(): void;
    getModuleCount(): number;
    isDark(row: number, column: number): boolean;
  }
  export default function qrcode(type: number, level: 'L' | 'M' | 'Q' | 'H'): Code;
}
