// PURE. XML text in which every hole is escaped, so that templates read like `virsh edit`.

/** Finished XML; put into another template it is not escaped again. */
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

/** Tagged template: strings and numbers are escaped, Xml is put in as it is. */
export function xml(pieces: TemplateStringsArray, ...values: (string | number | Xml)[]): Xml {
  return new Xml(String.raw({ raw: pieces }, ...values.map(escaped)))
}
