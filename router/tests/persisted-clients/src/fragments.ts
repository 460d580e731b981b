export const ORDER_FIELDS = /* GraphQL */ `
  fragment OrderFields on Order {
    id
    total
  }
`;
