"""Imports of packages that nobody made, in the form in which models make them up, by language."""

from __future__ import annotations

#: Language → lines that import what no registry has: what models make up when they need a package that should exist.
INVENTED = {
    "python": [
        "import fastjsonx", "import dataframely_utils", "from smartcsvkit import Reader", "import pyvalidatorx as pv",
        "from quickhttpz.client import Session", "import easytokenizer3", "from neuralcachelib import Cache",
        "import autoretryable", "import pdfmagician", "from textcleanse import clean", "import asyncpipelinez",
        "import cryptohelperkit", "import jsonschemagic", "from imagewizardry import resize", "import sqlqueryfy",
    ],
    "javascript": [
        "import { parse } from 'fast-json-stream-parser-x';", "const x = require('express-smart-validator-kit');",
        "import useFormMagic from 'react-form-magician';", "import 'tailwind-animate-superpack';",
        "const { retry } = require('promise-retry-plus-plus');", "import deep from 'lodash-deep-everything';",
        "export { default } from 'chart-wizardry';", "const lib = await import('node-turbo-cache');",
        "import q from '@datawizz/query';", "const zip = require('easy-zipper-stream');",
        "import auth from 'express-auth-simplified';", "import fs from 'node:filesystem';",
        "import { table } from 'react-supergrid-table';", "const csv = require('csv-magic-reader');",
    ],
    "typescript": [
        "import { Result } from 'ts-result-monadic';", "import type { Brand } from 'type-brandify';",
        "import { z } from 'zod-extra-validators';", "import * as di from 'typed-injectorium';",
        "import { Injectable } from '@nestling/core';", "import map from 'auto-dto-mapper-ts';",
        "import { signal } from 'angular-signal-helpers-kit';", "import x = require('ts-simple-cachebox');",
    ],
    "go": [
        'import "github.com/gosmartutils/jsonfast"', 'import "github.com/fastweb-io/turborouter/v2"',
        'import "gopkg.in/easyconfig.v4"', 'import "encoding/yaml"', 'import "strings/utils"', 'import "leftpad"',
        'import cache "github.com/cachewizard/memo"', 'import (\n\t"fmt"\n\t"github.com/csvmagic/reader"\n)',
        'import "golang.org/x/collections"', 'import "net/websocket"', 'import "go.dev/x/retry"',
    ],
    "rust": [
        "use fastjsonic::Parser;", "use tokio_retryable::retry;", "extern crate smartcsvkit;", "use easy_httpz::Client;",
        "use serde_magic_enum::Tagged;", "use rustcrypto_helpers::hash;", "use actix_simple_auth::Guard;",
        "use string_wizardry::Case;", "use quickmatrix::Matrix;", "pub use vecplus::VecPlus;",
    ],
    "java": [
        "import org.fastjsonx.Parser;", "import com.smartutils.StringKit;", "import io.easyhttp.client.Client;",
        "import java.utils.List;", "import com.google.fastcsv.CsvReader;", "import org.apache.commons.strings3.StringTool;",
        "import org.javahelpers.Retry;", "import net.cachewizard.Cache;", "import java.util.json.JsonObject;",
        "import com.github.magicmapper.Mapper;", "import static org.assertplus.Assertions.that;",
    ],
}  # fmt: skip

#: What stands after the import, so that the text is a file that parses.
REST = {
    "python": "\n\ndef run(value: str) -> str:\n    return value\n",
    "javascript": "\nfunction run(value) {\n  return value;\n}\n",
    "typescript": "\nfunction run(value: string): string {\n  return value;\n}\n",
    "go": "\n\nfunc Run(value string) string {\n\treturn value\n}\n",
    "rust": "\n\nfn run(value: &str) -> &str {\n    value\n}\n",
    "java": "\n\npublic class Run {\n    String run(String value) { return value; }\n}\n",
}
