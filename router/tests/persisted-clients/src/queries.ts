// What a client has in its sources: the router's list is made of it by `braid operations extract`.
import { gql } from "@apollo/client";

import { ORDER_FIELDS } from "./fragments";

export const ME = gql`
  query Me {
    me {
      ...UserFields
      orders {
        ...OrderFields
      }
    }
  }
  ${ORDER_FIELDS}
`;

export const RENAME = gql`
  mutation Rename($name: String!) {
    rename(name: $name) {
      id
      name
    }
  }
`;
