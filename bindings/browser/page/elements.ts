// Elements, made without any text that is read as markup.

type Child = Node | string | null;

/** An element with these attributes (a `null` one is left out) and children. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | null> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child): child is Node | string => child !== null));
  return made;
}

/** A button that does something, and cannot be pressed again before that is done. */
export function button(text: string, action: () => Promise<void>, attributes: Record<string, string> = {}): HTMLButtonElement {
  const made = element("button", { type: "button", ...attributes }, text);
  made.addEventListener("click", () => void busy(made, action));
  return made;
}

/** Does it while the button rests. */
export async function busy(pressed: HTMLButtonElement, action: () => Promise<void>): Promise<void> {
  pressed.disabled = true;
  try {
    await action();
  } finally {
    pressed.disabled = false;
  }
}
