// What can go wrong, sorted by whose turn it is: the same codes and nearly the same sentences as on the command line.

export type Blame = "ours" | "usage" | "refused" | "not_found" | "unreachable" | "busy" | "denied" | "integrity";

const BLAMES: readonly string[] = ["ours", "usage", "refused", "not_found", "unreachable", "busy", "denied", "integrity"];

/** `code` is stable, for searching; the message says what was expected, what came, and the next step. */
export class PrivetError extends Error {
  override readonly name = "PrivetError";

  constructor(
    readonly blame: Blame,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }

  override toString(): string {
    return `${this.code} ${this.message}`;
  }
}

/** A bug, or something that this machine lacks. */
export const ours = (code: string, message: string) => new PrivetError("ours", code, message);
/** The call was wrong: its shape, its names, its form. */
export const usage = (code: string, message: string) => new PrivetError("usage", code, message);
/** The rows, the bundle, the policy or the evidence was refused. */
export const refused = (code: string, message: string) => new PrivetError("refused", code, message);
/** A role could not be reached, or answered late. */
export const unreachable = (code: string, message: string) => new PrivetError("unreachable", code, message);
/** A check failed, and nothing was released. */
export const integrity = (code: string, message: string) => new PrivetError("integrity", code, message);

export const isBlame = (text: unknown): text is Blame => typeof text === "string" && BLAMES.includes(text);
export const isCode = (text: unknown): text is string => typeof text === "string" && /^E[0-9]{3}$/.test(text);
