"""A GraphQL engine over graphql-core: binds a schema to resolvers, bounds documents, and compiles queries."""
