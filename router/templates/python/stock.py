import strawberry
from strawberry.asgi import GraphQL

STOCK = {"LAMP": 12, "MUG": 0}


@strawberry.federation.type(keys=["sku"])
class Product:
    sku: strawberry.ID

    @strawberry.field
    def stock(self) -> int:
        return STOCK.get(self.sku, 0)

    # The router sends the key of a product that another subgraph has found.
    @classmethod
    def resolve_reference(cls, sku: strawberry.ID) -> "Product":
        return cls(sku=sku)


@strawberry.type
class Query:
    @strawberry.field
    def sold_out(self) -> list[Product]:
        return [Product(sku=strawberry.ID(sku)) for sku, stock in STOCK.items() if stock == 0]


app = GraphQL(strawberry.federation.Schema(query=Query))
