// What @types/node declares of the things that the package's types look for.
interface Buffer extends Uint8Array {
  toString(encoding?: string): string;
}
declare var Buffer: { prototype: Buffer };
interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: any;
  addEventListener(type: string, listener: () => void): void;
}
declare var AbortSignal: { prototype: AbortSignal };
interface SymbolConstructor {
  readonly asyncDispose: unique symbol;
}
