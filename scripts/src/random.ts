/** Seeded randomness for generated data: equal seeds give equal sequences on every machine. Not for secrets. */
export class SeededRandom {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** `seed`: any integer that a double holds exactly. */
  constructor(seed: number) {
    this.#a = seed >>> 0;
    this.#b = Math.floor(seed / 0x1_0000_0000) >>> 0;
    this.#c = 0x9e3779b9;
    // The first outputs of a small seed are still close to it.
    for (let round = 0; round < 15; round++) this.uint32();
  }

  /** 32 uniform bits. Source: sfc32 of PractRand (Chris Doty-Humphrey, public domain). */
  uint32(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** Uniform in [0, 1). */
  fraction(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  /** A uniform whole number from `min` to `max`, both included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.fraction() * (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    return list[this.integer(0, list.length - 1)] as T;
  }

  /** An index below `count` by a power law: P(index < k) = (k / count) ^ (1 / skew). `skew` 1 is uniform, larger favours the first. */
  powerLawIndex(count: number, skew: number): number {
    return Math.min(count - 1, Math.floor(count * this.fraction() ** skew));
  }

  /** `bytes` random bytes as lower-case hexadecimal digits. */
  hex(bytes: number): string {
    let text = '';
    while (text.length < bytes * 2) text += this.uint32().toString(16).padStart(8, '0');
    return text.slice(0, bytes * 2);
  }
}
