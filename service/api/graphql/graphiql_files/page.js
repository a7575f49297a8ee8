// GraphiQL over /graphql. Headers are typed into the page, go to /graphql alone, and are forgotten with the page.

const TOKEN = "put a token here";
const HEADERS = {
  Authorization: `Bearer ${TOKEN}`,
  "Opigno-Client-UUID": "00000000-0000-4000-8000-000000000001",
};
const QUERY = `{
  getBadges(first: 2, status: EARNED) {
    totalItems
    pageInfo {
      endCursor
    }
    nodes {
      title
      earned(format: "l j F Y")
    }
  }
}
`;

async function ask(asked, { headers = {} } = {}) {
  // The schema is no secret: completion and documentation are there before there is a token.
  if (asked.operationName === "IntrospectionQuery") {
    return (await fetch("/graphiql/schema.json")).json();
  }
  if (Object.values(headers).some((value) => String(value).includes(TOKEN))) {
    return { errors: [{ message: `Headers: ${TOKEN}, or take the line out` }] };
  }
  const answer = await fetch("/graphql", {
    method: "POST",
    headers: { ...headers, "Content-Type": "application/json" },
    body: JSON.stringify(asked),
    credentials: "omit",
  });
  return answer.json();
}

// GraphiQL's history keeps headers, token and all, wherever it is let: so it is let keep things only as long as the page.
const kept = new Map();
const memory = {
  get length() {
    return kept.size;
  },
  getItem: (key) => kept.get(key) ?? null,
  setItem: (key, value) => kept.set(key, value),
  removeItem: (key) => kept.delete(key),
  clear: () => kept.clear(),
};

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher: ask,
    storage: memory,
    defaultQuery: QUERY,
    defaultHeaders: JSON.stringify(HEADERS, null, 2),
    defaultEditorToolsVisibility: "headers",
    shouldPersistHeaders: false,
    showPersistHeadersSettings: false,
  }),
);
