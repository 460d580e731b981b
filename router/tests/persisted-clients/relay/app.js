const { graphql } = require("relay-runtime");

graphql`
  query appMeQuery {
    me {
      id
      name
      orders {
        id
        total
      }
    }
  }
`;

graphql`
  mutation appRenameMutation($name: String!) {
    rename(name: $name) {
      id
      name
    }
  }
`;
