// What the files of the dashboard may not say. Run by `node --test tests/dashboard/`.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const folder = new URL("../../runtime/src/admin/dashboard/", import.meta.url);
const files = readdirSync(folder).map((name) => [name, readFileSync(new URL(name, folder), "utf8")]);
const scripts = files.filter(([name]) => name.endsWith(".js"));
const page = files.find(([name]) => name === "index.html")[1];

test("nothing comes from outside", () => {
  assert.equal(scripts.length, 8);
  for (const [name, text] of files) assert.doesNotMatch(text, /https?:|\/\/[a-z]+\.[a-z]|@import|url\(/i, name);
});

test("no text is read as HTML or as a program", () => {
  for (const [name, text] of scripts) assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|srcdoc/, name);
});

test("nothing is inline that the policy forbids, and all addresses are relative", () => {
  assert.doesNotMatch(page, /\sstyle=|\son[a-z]+=|<style|javascript:|<base/i);
  assert.doesNotMatch(page, /<script(?![^>]*src=)/);
  for (const [, address] of page.matchAll(/(?:src|href)="([^"]*)"/g)) assert.doesNotMatch(address, /^\//);
  for (const [name, text] of scripts) assert.doesNotMatch(text, /fetch\([`"']\//, name);
});

test("every element that a script asks for is there, once", () => {
  const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (const [name, text] of scripts) {
    for (const [, id] of text.matchAll(/\$\("([^"]+)"\)|copy\("([^"]+)"\)/g)) if (id) assert(ids.includes(id), `${name} asks for #${id}`);
  }
});

test("a module has fewer than 400 lines", () => {
  for (const [name, text] of scripts) assert(text.split("\n").length <= 400, name);
});
