// XML read by a parser that is not ours.
import { XMLParser, XMLValidator } from 'fast-xml-parser'

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  trimValues: false,
})
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export const parseXml = (text: string): any => {
  if (XMLValidator.validate(text) !== true) throw new Error(`not well-formed: ${text}`)
  return parser.parse(text)
}
