// Validates FHIR R4 resources with the npm package fhir:
//   node validate.mjs FILE...   -> one line of JSON a file: {"file", "errors"}
import { readFileSync } from "node:fs";
import fhir from "fhir";

const checker = new fhir.Fhir();
for (const file of process.argv.slice(2)) {
  const result = checker.validate(JSON.parse(readFileSync(file, "utf8")), { errorOnUnexpected: true });
  const errors = result.messages
    .filter((m) => m.severity === "error" || m.severity === "fatal")
    .map((m) => `${m.location}: ${m.message}`);
  if (!result.valid && errors.length === 0) errors.push("not valid");
  console.log(JSON.stringify({ file, errors }));
}
