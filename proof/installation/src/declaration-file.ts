// Reads a declaration file as the compiler writes it: what it declares, imports and exports, without comments.

/** A name of another module. */
export interface Reference {
  readonly module: string;
  readonly name: string;
}

export interface DeclarationFile {
  /** By name, the declarations: several where a function is overloaded. */
  readonly declarations: ReadonlyMap<string, readonly string[]>;
  /** By local name. */
  readonly imports: ReadonlyMap<string, Reference>;
  /** Exported names; those of this file without a module. */
  readonly exports: ReadonlyMap<string, { readonly module: string | undefined; readonly name: string }>;
  /** Modules of which everything is exported. */
  readonly stars: readonly string[];
}

const declaration =
  /^(export )?(?:declare )?(?:abstract )?(?:class|interface|type|function|const|enum|namespace) ([\w$]+)/;
const list = /^(import|export) (?:type )?\{([^}]*)\}(?: from "([^"]+)")?/;

export function readDeclarations(text: string): DeclarationFile {
  const declarations = new Map<string, string[]>();
  const imports = new Map<string, Reference>();
  const exports = new Map<string, { module: string | undefined; name: string }>();
  const stars: string[] = [];
  for (const statement of statementsOf(withoutComments(text))) {
    const [, isExported, declared] = declaration.exec(statement) ?? [];
    const [, verb, names = "", module] = list.exec(statement) ?? [];
    const star = /^export (?:type )?\* from "([^"]+)"/.exec(statement)?.[1];
    if (star !== undefined) stars.push(star);
    else if (declared !== undefined) {
      declarations.set(declared, [...(declarations.get(declared) ?? []), statement.replace(/^export /, "")]);
      if (isExported !== undefined) exports.set(declared, { module: undefined, name: declared });
    } else if (verb !== undefined) {
      for (const { name, as } of namesIn(names)) {
        if (verb === "export") exports.set(as, { module, name });
        else if (module !== undefined) imports.set(as, { module, name });
      }
    } else throw new Error(`the declaration file has a statement of an unknown form: ${statement.slice(0, 120)}`);
  }
  return { declarations, imports, exports, stars };
}

function namesIn(names: string): readonly { readonly name: string; readonly as: string }[] {
  return names
    .split(",")
    .map((each) => each.trim().replace(/^type /, ""))
    .filter((each) => each !== "")
    .map((each) => {
      const [name = each, as = name] = each.split(" as ");
      return { name, as };
    });
}

function withoutComments(text: string): string {
  return text.replaceAll(/("(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, "$1");
}

/** A statement ends at a semicolon or, for a body, at the brace that closes it, each outside of all brackets. */
function statementsOf(text: string): readonly string[] {
  const statements: string[] = [];
  let from = 0;
  let depth = 0;
  const end = (at: number): void => {
    const statement = text
      .slice(from, at)
      .replaceAll(/\n(?:\s*\n)+/g, "\n")
      .trim();
    if (statement !== "" && statement !== ";" && !/^export \{\s*\};$/.test(statement)) statements.push(statement);
    from = at;
  };
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`|[{}()[\];]/g)) {
    if ("{([".includes(token)) depth += 1;
    else if ("})]".includes(token)) depth -= 1;
    const hasBody = /^\s*(?:export )?(?:declare )?(?:abstract )?(?:class|interface|enum|namespace) /;
    if (depth > 0) continue;
    if (token === ";" || (token === "}" && hasBody.test(text.slice(from, index)))) end(index + 1);
  }
  end(text.length);
  return statements;
}
