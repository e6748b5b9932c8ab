// PURE. Two packages in their CommonJS form: as ES modules they are 140 files and take a quarter of a script's start.
import { createRequire } from 'node:module'
import type * as FastXmlParser from 'fast-xml-parser'
import type * as Zod from 'zod'

const require = createRequire(import.meta.url)
export const { z } = require('zod') as typeof Zod
export const { XMLParser } = require('fast-xml-parser') as typeof FastXmlParser
