// PURE. Two packages in their CommonJS form: as ES modules they are 140 files and take a quarter of a script's start.
import { createRequire, Module } from 'node:module'
import type * as FastXmlParser from 'fast-xml-parser'
import type * as Zod from 'zod'

const require = createRequire(import.meta.url)
// zod's messages in sixty languages, half of its files, are taken for loaded: nobody sees them.
const languages = require.resolve('zod').replace(/index\.cjs$/, 'v4/locales/index.cjs')
require.cache[languages] = Object.assign(new Module(languages), { loaded: true })
export const { z } = require('zod') as typeof Zod
export const { XMLParser } = require('fast-xml-parser') as typeof FastXmlParser
