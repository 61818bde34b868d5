// What is hidden from the parties, and which component of the input each of them gets: `x = x0 + x1 + x2`, of which x0 and x1
// expand from seeds, or x itself.

export type Protect = "both" | "input" | "model";
export type Component = "x0" | "x1" | "x2" | "whole";

export const PROTECTS: readonly Protect[] = ["both", "input", "model"];
export const PARTIES = 3;

const HELD: Record<Protect, readonly (readonly Component[])[]> = {
  both: [
    ["x0", "x1"],
    ["x1", "x2"],
    ["x2", "x0"],
  ],
  input: [["x0"], ["x1"], ["x2"]],
  model: [["whole"], ["whole"], ["whole"]],
};

export const components = (protect: Protect, role: number): readonly Component[] => HELD[protect][role]!;
