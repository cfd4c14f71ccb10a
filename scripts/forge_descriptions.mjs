// Cuts what the clients of forges use out of the forges' published API descriptions, into tests/io/forges/descriptions/.
//   npm install --prefix FOLDER --ignore-scripts @octokit/openapi@23.0.2 @llamaduck/forgejo-ts@15.0.9 \
//       @octokit/webhooks-examples@7.6.1 @coderabbitai/bitbucket@1.1.4 @gitbeaker/core@43.8.0 typescript@5
//   node scripts/forge_descriptions.mjs FOLDER
// GitHub publishes its description as JSON. Forgejo's and Bitbucket's are published as TypeScript types that were
// generated from theirs, and are turned back here (lengths and patterns are lost on the way). GitLab's answers are the
// types of its best known client, its requests are written down below from its documentation.
import { createRequire } from "node:module";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const folder = resolve(process.argv[2] ?? ".");
const target = new URL("../tests/io/forges/descriptions/", import.meta.url).pathname;
const require = createRequire(join(folder, "package.json"));
const ts = require("typescript");
const packaged = (name) => JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"), "utf8"));

const GITHUB = {
  "/user": ["get"],
  "/app": ["get"],
  "/repos/{owner}/{repo}/installation": ["get"],
  "/app/installations/{installation_id}/access_tokens": ["post"],
  "/repos/{owner}/{repo}/pulls": ["get"],
  "/repos/{owner}/{repo}/pulls/{pull_number}": ["get"],
  "/repos/{owner}/{repo}/branches/{branch}": ["get"],
  "/repos/{owner}/{repo}/commits/{commit_sha}/pulls": ["get"],
  "/repos/{owner}/{repo}/issues/{issue_number}/comments": ["get", "post"],
  "/repos/{owner}/{repo}/issues/comments/{comment_id}": ["patch"],
  "/repos/{owner}/{repo}/statuses/{sha}": ["post"],
  "/repos/{owner}/{repo}/issues": ["get", "post"],
  "/repos/{owner}/{repo}/issues/{issue_number}": ["patch"],
};
const FORGEJO = {
  userGetCurrent: ["get", "/user"],
  repoListPullRequests: ["get", "/repos/{owner}/{repo}/pulls"],
  repoGetPullRequest: ["get", "/repos/{owner}/{repo}/pulls/{index}"],
  repoGetCommitPullRequest: ["get", "/repos/{owner}/{repo}/commits/{sha}/pull"],
  issueGetComments: ["get", "/repos/{owner}/{repo}/issues/{index}/comments"],
  issueCreateComment: ["post", "/repos/{owner}/{repo}/issues/{index}/comments"],
  issueEditComment: ["patch", "/repos/{owner}/{repo}/issues/comments/{id}"],
  repoCreateStatus: ["post", "/repos/{owner}/{repo}/statuses/{sha}"],
  issueListIssues: ["get", "/repos/{owner}/{repo}/issues"],
  issueCreateIssue: ["post", "/repos/{owner}/{repo}/issues"],
  issueEditIssue: ["patch", "/repos/{owner}/{repo}/issues/{index}"],
  issueListLabels: ["get", "/repos/{owner}/{repo}/labels"],
  issueCreateLabel: ["post", "/repos/{owner}/{repo}/labels"],
};
const CLOUD = {
  "/user": ["get"],
  "/repositories/{workspace}/{repo_slug}/pullrequests": ["get"],
  "/repositories/{workspace}/{repo_slug}/pullrequests/{pull_request_id}": ["get"],
  "/repositories/{workspace}/{repo_slug}/pullrequests/{pull_request_id}/comments": ["get", "post"],
  "/repositories/{workspace}/{repo_slug}/pullrequests/{pull_request_id}/comments/{comment_id}": ["put"],
  "/repositories/{workspace}/{repo_slug}/commit/{commit}": ["get"],
  "/repositories/{workspace}/{repo_slug}/commit/{commit}/pullrequests": ["get"],
  "/repositories/{workspace}/{repo_slug}/commit/{commit}/statuses/build": ["post"],
  "/repositories/{workspace}/{repo_slug}/refs/branches/{name}": ["get"],
};
const CENTER_REPOSITORY = "/api/latest/projects/{projectKey}/repos/{repositorySlug}";
const CENTER = {
  [`${CENTER_REPOSITORY}/pull-requests`]: ["get"],
  [`${CENTER_REPOSITORY}/pull-requests/{pullRequestId}`]: ["get"],
  [`${CENTER_REPOSITORY}/pull-requests/{pullRequestId}/activities`]: ["get"],
  [`${CENTER_REPOSITORY}/pull-requests/{pullRequestId}/comments`]: ["post"],
  [`${CENTER_REPOSITORY}/pull-requests/{pullRequestId}/comments/{commentId}`]: ["put"],
  [`${CENTER_REPOSITORY}/commits/{commitId}/pull-requests`]: ["get"],
  [`${CENTER_REPOSITORY}/commits/{commitId}/builds`]: ["post"],
  "/api/latest/application-properties": ["get"],
};
/** Parameters that Bitbucket documents once for all its lists ("filtering and sorting", "pagination"). */
const CLOUD_LISTS = ["q", "sort", "page", "pagelen"];
const text = { type: "string" };
const number = { type: "integer" };
const pages = { page: number, per_page: { ...number, maximum: 100 } };
const closed = (properties, required = []) => ({ type: "object", properties, required, additionalProperties: false });
const GITLAB_MERGE_REQUESTS = "/projects/{id}/merge_requests";
// From docs.gitlab.com/api/: users, merge_requests, notes, commits, branches, issues.
const GITLAB = {
  "get /user": { answer: [200, "ExpandedUserSchema"] },
  [`get ${GITLAB_MERGE_REQUESTS}`]: {
    query: { state: { enum: ["opened", "closed", "locked", "merged", "all"] }, target_branch: text, ...pages },
    answer: [200, "MergeRequestSchema[]"],
  },
  [`get ${GITLAB_MERGE_REQUESTS}/{merge_request_iid}`]: { answer: [200, "ExpandedMergeRequestSchema"] },
  [`get ${GITLAB_MERGE_REQUESTS}/{merge_request_iid}/notes`]: {
    query: { sort: { enum: ["asc", "desc"] }, order_by: { enum: ["created_at", "updated_at"] }, ...pages },
    answer: [200, "MergeRequestNoteSchema[]"],
  },
  [`post ${GITLAB_MERGE_REQUESTS}/{merge_request_iid}/notes`]: {
    body: closed({ body: { ...text, maxLength: 1000000 }, internal: { type: "boolean" } }, ["body"]),
    answer: [201, "MergeRequestNoteSchema"],
  },
  [`put ${GITLAB_MERGE_REQUESTS}/{merge_request_iid}/notes/{note_id}`]: {
    body: closed({ body: { ...text, maxLength: 1000000 } }, ["body"]),
    answer: [200, "MergeRequestNoteSchema"],
  },
  "get /projects/{id}/repository/branches/{branch}": { answer: [200, "BranchSchema"] },
  "get /projects/{id}/repository/commits/{sha}": { answer: [200, "ExpandedCommitSchema"] },
  "get /projects/{id}/repository/commits/{sha}/merge_requests": {
    query: pages,
    answer: [200, "MergeRequestSchema[]"],
  },
  "post /projects/{id}/statuses/{sha}": {
    body: closed(
      {
        state: { enum: ["pending", "running", "success", "failed", "canceled", "skipped"] },
        name: { ...text, maxLength: 255 },
        context: text,
        description: { ...text, maxLength: 255 },
        target_url: { ...text, maxLength: 255 },
        pipeline_id: number,
        ref: text,
        coverage: { type: "number" },
      },
      ["state"],
    ),
    answer: [201, "CommitStatusSchema"],
  },
  "get /projects/{id}/issues": {
    query: { labels: text, state: { enum: ["opened", "closed", "all"] }, sort: { enum: ["asc", "desc"] }, ...pages },
    answer: [200, "IssueSchema[]"],
  },
  "post /projects/{id}/issues": {
    body: closed({ title: { ...text, maxLength: 255 }, description: text, labels: text }, ["title"]),
    answer: [201, "IssueSchema"],
  },
  "put /projects/{id}/issues/{issue_iid}": {
    body: closed({ title: text, description: text, labels: text, state_event: { enum: ["close", "reopen"] } }),
    answer: [200, "IssueSchema"],
  },
};

const described = (title, source, paths, schemas) => ({
  openapi: "3.1.0",
  info: { title, version: source, description: "Made by scripts/forge_descriptions.mjs; not to be edited." },
  servers: [{ url: "http://localhost" }],
  paths,
  components: { schemas },
});

function write(name, description) {
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, `${name}.json`), `${JSON.stringify(description, null, 1)}\n`);
}

/** Every key of an object that tells people something, and nothing to a validator. */
const PROSE = new Set(["description", "summary", "externalDocs", "tags", "operationId", "x-github", "x-octokit"]);

function bare(value, inNames = false) {
  if (Array.isArray(value)) return value.map((item) => bare(item));
  if (value === null || typeof value !== "object") return value;
  const kept = Object.entries(value).filter(([key]) => inNames || !PROSE.has(key));
  return Object.fromEntries(
    kept.map(([key, item]) => [key, key === "value" && !inNames ? item : bare(item, !inNames && ["properties", "examples", "responses"].includes(key))]),
  );
}

function github() {
  const whole = require("@octokit/openapi").schemas["api.github.com"];
  const paths = {};
  for (const [path, methods] of Object.entries(GITHUB)) {
    paths[path] = Object.fromEntries(methods.map((method) => [method, whole.paths[path][method]]));
  }
  const cut = { components: {} };
  const seen = new Set();
  const follow = (value) => {
    if (value === null || typeof value !== "object") return;
    if (typeof value.$ref === "string" && !seen.has(value.$ref)) {
      seen.add(value.$ref);
      const [, , section, name] = value.$ref.split("/");
      (cut.components[section] ??= {})[name] = whole.components[section][name];
      follow(whole.components[section][name]);
    }
    Object.values(value).forEach(follow);
  };
  follow(paths);
  const source = `npm @octokit/openapi ${packaged("@octokit/openapi").version}, generated/api.github.com.json`;
  const made = { ...described("GitHub", source, paths, {}), openapi: whole.openapi, components: cut.components };
  const cleaned = { ...bare({ ...made, info: {} }), info: made.info };
  const operations = Object.values(cleaned.paths).flatMap((methods) => Object.values(methods));
  for (const responses of [cleaned.components.responses, ...operations.map((each) => each.responses)]) {
    for (const response of Object.values(responses)) if (!response.$ref) response.description = "";
  }
  write("github", cleaned);
}

/** JSON Schemas of type expressions, by their keys, and of the object types they refer to. Expressions that lead to
 * nothing (an operation without a body) have none. `open`: objects may have more than is written. */
function schemasOf(name, imports, types, open) {
  const file = join(folder, `${name}.ts`);
  const lines = Object.entries(types).map(([key, expression]) => `export type ${key} = ${expression};`);
  writeFileSync(file, [imports, ...lines].join("\n"));
  const options = { strict: true, noEmit: true, skipLibCheck: true, target: ts.ScriptTarget.ES2022, types: [] };
  const program = ts.createProgram([file], { ...options, moduleResolution: ts.ModuleResolutionKind.Node10 });
  const checker = program.getTypeChecker();
  const schemas = {};
  const names = new Map();
  const sorted = (values) => [...new Set(values)].sort();
  const union = (parts) => {
    const left = parts.filter((part) => !(part.flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Never)));
    if (left.length && left.every((part) => part.flags & ts.TypeFlags.BooleanLiteral)) return { type: "boolean" };
    if (left.every((part) => part.isLiteral())) return { enum: sorted(left.map((part) => part.value)) };
    return left.length === 1 ? schemaOf(left[0]) : { anyOf: left.map(schemaOf) };
  };
  const object = (type) => {
    const made = { type: "object", properties: {} };
    for (const symbol of checker.getPropertiesOfType(type)) {
      made.properties[symbol.name] = schemaOf(checker.getTypeOfSymbol(symbol));
      if (!(symbol.flags & ts.SymbolFlags.Optional)) (made.required ??= []).push(symbol.name);
    }
    if (!open && !checker.getIndexInfosOfType(type).length) made.additionalProperties = false;
    return made;
  };
  const schemaOf = (type) => {
    if (type.isUnion()) return union(type.types);
    if (type.isLiteral()) return { enum: [type.value] };
    if (type.flags & ts.TypeFlags.BooleanLike) return { type: "boolean" };
    if (type.flags & ts.TypeFlags.StringLike) return { type: "string" };
    if (type.flags & ts.TypeFlags.NumberLike) return { type: "number" };
    if (type.flags & ts.TypeFlags.Null) return { type: "null" };
    if (checker.isArrayLikeType(type)) return { type: "array", items: schemaOf(checker.getTypeArguments(type)[0]) };
    if (!(type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection))) return {};
    if (!names.has(type)) {
      const key = `${(type.aliasSymbol ?? type.symbol)?.name ?? "type"}_${names.size}`.replaceAll(/[^A-Za-z0-9_]/g, "");
      names.set(type, key);
      schemas[key] = object(type);
    }
    return { $ref: `#/components/schemas/${names.get(type)}` };
  };
  const found = {};
  program.getSourceFile(file).forEachChild((node) => {
    if (!ts.isTypeAliasDeclaration(node)) return;
    const type = checker.getTypeAtLocation(node);
    if (type.intrinsicName !== "error" && !(type.flags & (ts.TypeFlags.Never | ts.TypeFlags.Undefined))) {
      found[node.name.text] = schemaOf(checker.getNonNullableType(type));
    }
  });
  return { found, schemas };
}

const inPath = (path) =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: "path", required: true, schema: {} }));

const isNothing = (schema) => schema === undefined;

/** One operation from the schemas of its query, body and answers. */
function operation(path, { query, body, answers }) {
  const asked = Object.entries(query?.properties ?? {}).map(([name, schema]) => ({
    name,
    in: "query",
    required: (query.required ?? []).includes(name),
    schema,
  }));
  const made = { parameters: [...inPath(path), ...asked], responses: {} };
  if (!isNothing(body)) {
    made.requestBody = { required: true, content: { "application/json": { schema: body } } };
  }
  for (const [status, schema] of Object.entries(answers)) {
    made.responses[status] = isNothing(schema)
      ? { description: "" }
      : { description: "", content: { "application/json": { schema } } };
  }
  return made;
}

/** Types as hey-api makes them: NAMEData with body and query, NAMEResponses by status. */
function forgejo() {
  const ids = Object.keys(FORGEJO).map((id) => [id, id[0].toUpperCase() + id.slice(1)]);
  const imported = ids.flatMap(([, Id]) => [`${Id}Data`, `${Id}Responses`]).join(", ");
  const types = {};
  for (const [id, Id] of ids) {
    types[`${id}_query`] = `${Id}Data["query"]`;
    types[`${id}_body`] = `${Id}Data["body"]`;
    types[`${id}_answers`] = `${Id}Responses`;
  }
  const { found, schemas } = schemasOf("forgejo", `import type { ${imported} } from "@llamaduck/forgejo-ts";`, types, false);
  const paths = {};
  for (const [id] of ids) {
    const [method, path] = FORGEJO[id];
    const answers = resolved(schemas, found[`${id}_answers`]).properties;
    (paths[path] ??= {})[method] = operation(path, {
      query: resolved(schemas, found[`${id}_query`]),
      body: found[`${id}_body`],
      answers,
    });
  }
  const version = packaged("@llamaduck/forgejo-ts").version;
  const source = `npm @llamaduck/forgejo-ts ${version}, types made from Forgejo's own swagger`;
  write("forgejo", pruned(described("Forgejo and Gitea", source, paths, schemas)));
}

function resolved(schemas, schema) {
  return schema?.$ref ? schemas[schema.$ref.split("/").pop()] : schema;
}

const JSON_TYPES = ["application/json", "application/json;charset=UTF-8", "*/*"];
const GOOD = [200, 201, 202];

/** Types as openapi-typescript makes them: paths[path][method] with parameters, requestBody, responses. */
function bitbucket(name, title, module, used) {
  const published = join(folder, "node_modules/@coderabbitai/bitbucket/dist", module, "openapi/openapi-typescript.d.ts");
  // Omit<> of a type that may have any key has no keys left
  const plain = readFileSync(published, "utf8").replaceAll("Readonly<Record<string, unknown>> & ", "");
  writeFileSync(join(folder, `${name}-types.d.ts`), plain);
  const types = {};
  const operations = Object.entries(used).flatMap(([path, methods]) => methods.map((method) => [path, method]));
  operations.forEach(([path, method], index) => {
    const place = `paths["${path}"]["${method}"]`;
    types[`op${index}_query`] = `${place}["parameters"]["query"]`;
    JSON_TYPES.forEach((kind, which) => {
      types[`op${index}_body${which}`] = `Exclude<${place}["requestBody"], undefined>["content"]["${kind}"]`;
      for (const status of GOOD) {
        types[`op${index}_${status}_${which}`] = `${place}["responses"][${status}]["content"]["${kind}"]`;
      }
    });
  });
  const { found, schemas } = schemasOf(name, `import type { paths } from "./${name}-types";`, types, true);
  const paths = {};
  operations.forEach(([path, method], index) => {
    const first = (what) => JSON_TYPES.map((_kind, which) => found[`op${index}_${what}${which}`]).find(Boolean);
    const answered = GOOD.map((status) => [status, first(`${status}_`)]).filter(([, schema]) => schema);
    const answers = answered.length ? Object.fromEntries(answered) : { 204: undefined };
    const query = { properties: { ...resolved(schemas, found[`op${index}_query`])?.properties } };
    if (module === "cloud" && answers[200]?.$ref && "pagelen" in resolved(schemas, answers[200]).properties) {
      CLOUD_LISTS.forEach((key) => (query.properties[key] ??= {}));
    }
    (paths[path] ??= {})[method] = operation(path, { query, body: first("body"), answers });
  });
  // the description asks for "type" everywhere, and Atlassian's own examples of requests leave it out
  for (const schema of Object.values(schemas)) {
    if (schema.required) schema.required = schema.required.filter((key) => key !== "type");
    // of an account it is "user" or "team", which the types made one word of
    if (module === "cloud" && schema.properties?.type) schema.properties.type = { type: "string" };
  }
  const version = packaged("@coderabbitai/bitbucket").version;
  const source = `npm @coderabbitai/bitbucket ${version}, types made from Atlassian's own description`;
  write(name, pruned(described(title, source, paths, schemas)));
}

/** Only the schemas that something refers to. */
function pruned(description) {
  const all = description.components.schemas;
  const kept = {};
  const follow = (value) => {
    if (value === null || typeof value !== "object") return;
    if (typeof value.$ref === "string") {
      const name = value.$ref.split("/").pop();
      if (!(name in kept)) {
        kept[name] = all[name];
        follow(all[name]);
      }
    }
    Object.values(value).forEach(follow);
  };
  follow(description.paths);
  return { ...description, components: { schemas: kept } };
}

function gitlab() {
  const names = [...new Set(Object.values(GITLAB).map(({ answer }) => answer[1].replace("[]", "")))];
  const imports = `import type { ${names.join(", ")} } from "@gitbeaker/core";`;
  const types = Object.fromEntries(names.map((name) => [`Answer_${name}`, name]));
  const { found, schemas } = schemasOf("gitlab", imports, types, true);
  // what it calls required is what its newest version answers with
  for (const schema of Object.values(schemas)) delete schema.required;
  const paths = {};
  for (const [key, { query, body, answer }] of Object.entries(GITLAB)) {
    const [method, path] = key.split(" ");
    const one = found[`Answer_${answer[1].replace("[]", "")}`];
    const schema = answer[1].endsWith("[]") ? { type: "array", items: one } : one;
    const asked = query && { properties: query, required: [] };
    (paths[path] ??= {})[method] = operation(path, { query: asked, body, answers: { [answer[0]]: schema } });
  }
  const source = `requests: docs.gitlab.com/api; answers: npm @gitbeaker/core ${packaged("@gitbeaker/core").version}`;
  write("gitlab", pruned(described("GitLab", source, paths, schemas)));
}

const ACTIONS = ["opened", "synchronize", "reopened", "closed", "labeled"];

/** Deliveries that GitHub was seen to send, without the addresses that say where else to ask. */
function deliveries() {
  const folderOf = join(folder, "node_modules/@octokit/webhooks-examples");
  const all = JSON.parse(readFileSync(join(folderOf, "api.github.com/index.json"), "utf8"));
  const short = (value) => {
    if (Array.isArray(value)) return value.map(short);
    if (value === null || typeof value !== "object") return value;
    const kept = Object.entries(value).filter(([key]) => !/_url$|^url$|^_links$/.test(key));
    return Object.fromEntries(kept.map(([key, item]) => [key, short(item)]));
  };
  const examples = {};
  for (const { name, examples: seen } of all.filter(({ name }) => ["ping", "push", "pull_request"].includes(name))) {
    for (const example of seen.filter(({ action }) => !action || ACTIONS.includes(action))) {
      examples[[name, example.action].filter(Boolean).join(".")] ??= short(example);
    }
  }
  const source = `npm @octokit/webhooks-examples ${packaged("@octokit/webhooks-examples").version}, api.github.com`;
  writeFileSync(join(target, "github-deliveries.json"), `${JSON.stringify({ source, examples }, null, 1)}\n`);
}

github();
deliveries();
forgejo();
bitbucket("bitbucket-cloud", "Bitbucket Cloud", "cloud", CLOUD);
bitbucket("bitbucket-data-center", "Bitbucket Data Center", "server", CENTER);
gitlab();
