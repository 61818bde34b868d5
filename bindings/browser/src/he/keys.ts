// The keys of one deployment: one at a time, for so many answers, and with every public polynomial at most once.

import type { Bytes } from "../bytes.ts";
import { usage } from "../errors.ts";
import type { Entropy } from "../request.ts";
import { Key } from "./key.ts";
import { ANSWERS_PER_KEY } from "./parameters.ts";
import type { Ring } from "./ring.ts";
import { keyId } from "./wire.ts";

/** A key, and whether the server has it. */
export interface OwnKey {
  key: Key;
  id: Bytes;
  known: boolean;
}

/** The key of the next ciphertexts, and what is left of it. */
interface Current {
  own: Promise<OwnKey>;
  next: number;
  answers: number;
  /** Questions that still need it. */
  users: number;
}

export class Keys {
  private current: Current | undefined;

  constructor(
    private readonly ring: Ring,
    private readonly bundle: Bytes,
    private readonly entropy: Entropy,
  ) {}

  /** Lends a key, with the number of the first of so many public polynomials that no other ciphertext will have. */
  async with<T>(ciphertexts: number, answers: number, ask: (own: OwnKey, first: number) => Promise<T>): Promise<T> {
    const current = this.claim(answers);
    const first = current.next;
    // As many answers as ciphertexts at least, so numbers last as long as the key.
    current.next += ciphertexts;
    current.answers += answers;
    current.users++;
    try {
      return await ask(await current.own, first);
    } finally {
      current.users--;
      this.retire(current);
    }
  }

  private claim(answers: number): Current {
    if (answers > ANSWERS_PER_KEY) throw usage("E106", "Too many rows in one call.");
    const last = this.current;
    if (last && last.answers + answers <= ANSWERS_PER_KEY) return last;
    const current: Current = { own: this.draw(), next: 1, answers: 0, users: 0 };
    current.own.catch(() => {
      if (this.current === current) this.current = undefined;
    });
    this.current = current;
    if (last) this.retire(last);
    return current;
  }

  private async draw(): Promise<OwnKey> {
    const key = await Key.draw(this.ring, this.bundle, this.entropy);
    return { key, id: keyId(this.bundle, key.seed.seed, key.encryptionOfZero), known: false };
  }

  /** Overwrites a key that nobody will ask with any more. */
  private retire(current: Current): void {
    if (current === this.current || current.users > 0) return;
    current.own.then(({ key }) => key.wipe()).catch(() => undefined);
  }
}
