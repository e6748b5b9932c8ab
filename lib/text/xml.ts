// PURE. XML templates that escape every hole and read like `virsh edit`.

/** Finished XML: another template does not escape it again. */
export class Xml {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

function escaped(value: string | number | Xml): string {
  if (value instanceof Xml) return value.text
  return String(value).replace(/[&<>"']/g, (character) => entities[character] ?? character)
}

/** Tagged template: escapes strings and numbers, but not Xml. */
export function xml(pieces: TemplateStringsArray, ...values: (string | number | Xml)[]): Xml {
  return new Xml(String.raw({ raw: pieces }, ...values.map(escaped)))
}
