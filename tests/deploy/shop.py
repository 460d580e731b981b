"""Asks the shop as clients do, through the router. Used by tests/deploy/run; needs nothing but Python.

    shop.py check URL               the queries of docs/start.md, one after the other; fails unless all answers are right
    shop.py load URL STOP REPORT    readers and a buyer, until the file STOP is there; then writes and checks what they saw. No answer at all is
                                    right only while the file STOP.away says that the router is not there
    shop.py rollout PORT COUNT REPORT    so many requests to the router on the port that the file PORT says, over connections that are kept open; each
                                    new connection reads the file again. Fails if one request is not answered rightly
    shop.py dashboard PROMETHEUS DASHBOARD    every query of the dashboard; fails if Prometheus can't answer one
"""

import http.client
import json
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections import Counter
from pathlib import Path

BEST_SELLERS = """query BestSellers {
  products(filter: { search: "lamp", inStock: true }, sort: PRICE_ASC, first: 5) {
    nodes { sku name price { formatted } stock unitsSold }
  }
}"""
SIGN_IN = """mutation SignIn {
  login(input: { username: "grace", password: "braid-sample" }) { session { accessToken user { name } } userErrors { message } }
}"""
MY_ORDERS = """query MyOrders {
  me {
    name
    orders(first: 3) {
      totalCount
      nodes {
        number placedAt status total { formatted(locale: "de") }
        lines { quantity unitPrice { formatted } product { name inStock shippingEstimate { formatted } } }
      }
    }
  }
}"""
LAMP = '{ products(filter: { search: "lamp", inStock: true }, sort: PRICE_ASC, first: 5) { nodes { id sku stock } } }'
QUOTE = "mutation Quote($input: QuoteOrderInput!) { quoteOrder(input: $input) { quote { id } userErrors { code message } } }"
PLACE = """mutation Place($input: PlaceOrderInput!) {
  placeOrder(input: $input) { order { id number } quote { id } shortages { available } userErrors { code message } }
}"""
ADDRESS = {"name": "Grace", "line1": "1 Harbour Street", "postalCode": "10115", "city": "Berlin", "countryCode": "DE"}


class Unreachable(Exception):
    """No answer at all: the router is not there."""


class Wrong(Exception):
    """An answer that must not be."""


# The router answers within server.request_timeout, a minute.
PATIENCE = 70


def ask(url, query, variables=None, token=None):
    """The data and the codes of the errors. Every error has a code, or the answer is wrong."""
    body = json.dumps({"query": query, "variables": variables or {}}).encode()
    headers = {"content-type": "application/json", **({"authorization": f"Bearer {token}"} if token else {})}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=PATIENCE) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        text = error.read()
    except OSError as error:
        raise Unreachable(str(error)) from error
    except Exception as error:
        # The connection broke in the middle of an answer.
        raise Unreachable(repr(error)) from error
    try:
        answer = json.loads(text)
        codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
    except (ValueError, KeyError, TypeError) as error:
        raise Wrong(f"{text[:300]!r}: {error!r}") from error
    if answer.get("data") is None and not codes:
        raise Wrong(f"neither data nor errors: {text[:300]!r}")
    return answer.get("data"), codes


def sign_in(url, patience=120):
    end = time.monotonic() + patience
    while True:
        try:
            data, codes = ask(url, SIGN_IN)
            if not codes:
                assert data["login"]["session"]["user"]["name"], data
                return data["login"]["session"]["accessToken"]
        except Unreachable as error:
            codes = [str(error)]
        if time.monotonic() > end:
            raise SystemExit(f"grace can't sign in: {codes}")
        time.sleep(1)


def check(url):
    def right(what, answer):
        data, codes = answer
        if codes:
            raise SystemExit(f"{what}: {codes}")
        return data

    nodes = right("BestSellers", ask(url, BEST_SELLERS))["products"]["nodes"]
    assert len(nodes) == 5 and all(node["unitsSold"] > 0 and node["stock"] > 0 for node in nodes), nodes
    token = sign_in(url)
    me = right("MyOrders", ask(url, MY_ORDERS, token=token))["me"]
    assert me["name"] and len(me["orders"]["nodes"]) == 3, me
    assert all(line["product"]["shippingEstimate"]["formatted"] for order in me["orders"]["nodes"] for line in order["lines"]), me
    refused, codes = ask(url, "{ users(first: 1) { nodes { email } } }", token=token)
    assert codes == ["UNAUTHORIZED_FIELD_OR_TYPE"], (refused, codes)
    lamp = right("the lamps", ask(url, LAMP))["products"]["nodes"][0]
    lines = [{"productId": lamp["id"], "quantity": 1}]
    quote = right("QuoteOrder", ask(url, QUOTE, {"input": {"lines": lines, "shippingAddress": ADDRESS}}, token))["quoteOrder"]["quote"]
    place = {"idempotencyKey": str(uuid.uuid4()), "quoteId": quote["id"], "paymentMethod": "pm_card_visa"}
    order = right("PlaceOrder", ask(url, PLACE, {"input": place}, token))["placeOrder"]
    assert order["order"], order
    print(f"the queries of docs/start.md are answered; order {order['order']['number']} is placed")


class Load:
    def __init__(self, url, stop):
        self.url, self.stop, self.away = url, Path(stop), Path(f"{stop}.away")
        self.token = sign_in(url)
        self.counts, self.codes, self.wrong, self.orders = Counter(), Counter(), [], {}
        self.shown = self.prices(ask(url, BEST_SELLERS)[0])
        self.lamp = max(ask(url, LAMP)[0]["products"]["nodes"], key=lambda node: node["stock"])
        self.before = ask(url, MY_ORDERS, token=self.token)[0]["me"]["orders"]["totalCount"]

    @staticmethod
    def prices(data):
        return [(node["sku"], node["name"], node["price"]["formatted"]) for node in data["products"]["nodes"]]

    def once(self, what):
        was_away = self.away.exists()
        try:
            codes = what()
            self.counts["coded" if codes else "right"] += 1
            self.codes.update(codes)
        except Unreachable as error:
            self.unreachable(error, was_away)
        except Wrong as wrong:
            self.wrong.append(str(wrong))

    def unreachable(self, error, was_away):
        """A connection that was begun while the router was away may fail when it is there again."""
        self.counts["unreachable"] += 1
        if not was_away and not self.away.exists():
            self.wrong.append(f"no answer, although the router is there: {error}")

    def read(self):
        data, codes = ask(self.url, BEST_SELLERS)
        if not codes and self.prices(data) != self.shown:
            raise Wrong(f"other products than before: {data}")
        return codes

    def read_mine(self):
        data, codes = ask(self.url, MY_ORDERS, token=self.token)
        if not codes and not data["me"]["orders"]["nodes"]:
            raise Wrong(f"orders are missing: {data}")
        return codes

    def buy(self):
        """Places one order. What is not known to have happened is asked again, with the same key."""
        key, quote = str(uuid.uuid4()), None
        while True:
            was_away = self.away.exists()
            try:
                if quote is None:
                    lines = [{"productId": self.lamp["id"], "quantity": 1}]
                    data, codes = ask(self.url, QUOTE, {"input": {"lines": lines, "shippingAddress": ADDRESS}}, self.token)
                    quote = None if codes else (data["quoteOrder"]["quote"] or {}).get("id")
                if quote is not None:
                    place = {"idempotencyKey": key, "quoteId": quote, "paymentMethod": "pm_card_visa"}
                    data, codes = ask(self.url, PLACE, {"input": place}, self.token)
                    order = None if codes else data["placeOrder"]["order"]
                    if order is not None:
                        self.orders[key] = order["id"]
                        return []
                    if not codes:
                        quote = None
                self.codes.update(codes)
            except Unreachable as error:
                self.unreachable(error, was_away)
            time.sleep(0.5)

    def repeat(self, what, pause):
        while not self.stop.exists():
            self.once(what)
            time.sleep(pause)

    def run(self):
        work = [(self.read, 0.15), (self.read, 0.15), (self.read_mine, 0.3), (self.buy, 0.5)]
        threads = [threading.Thread(target=self.repeat, args=args) for args in work]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def settle(self, patience=120):
        """Every order that was placed is there once, and so many lamps have gone."""
        placed = len(self.orders)
        expected = (self.lamp["stock"] - placed, self.before + placed)
        end = time.monotonic() + patience
        while True:
            try:
                stock = next(n["stock"] for n in ask(self.url, LAMP)[0]["products"]["nodes"] if n["sku"] == self.lamp["sku"])
                orders = ask(self.url, MY_ORDERS, token=self.token)[0]["me"]["orders"]["totalCount"]
                if (stock, orders) == expected:
                    return
                seen = f"{stock} lamps and {orders} orders"
            except (Unreachable, TypeError) as error:
                seen = repr(error)
            if time.monotonic() > end:
                self.wrong.append(f"after {placed} orders there should be {expected[0]} lamps and {expected[1]} orders, and there are {seen}")
                return
            time.sleep(1)

    def report(self, file):
        distinct = len(set(self.orders.values()))
        if distinct != len(self.orders):
            self.wrong.append(f"{len(self.orders)} keys have placed {distinct} orders")
        lines = [
            f"{self.counts['right']} right answers, {self.counts['coded']} with coded errors, {self.counts['unreachable']} without one while the router was away, {len(self.wrong)} wrong",
            f"{len(self.orders)} orders placed, none lost, no lamp too many sold" if not self.wrong else "",
            f"codes: {dict(self.codes.most_common())}",
            *[f"WRONG: {wrong}" for wrong in self.wrong[:10]],
        ]
        Path(file).write_text("\n".join(filter(None, lines)) + "\n")
        if self.wrong or not self.counts["right"] or not self.orders:
            raise SystemExit(1)


class Rollout:
    """Clients as browsers and proxies are: they keep their connection, and open another one when the server closes it."""

    CLIENTS = 8

    def __init__(self, port, count):
        self.port, self.left, self.lock = Path(port), count, threading.Lock()
        self.answered, self.connections, self.again, self.failed = 0, 0, 0, []
        self.body = json.dumps({"query": BEST_SELLERS})
        self.shown = None

    def connect(self):
        self.connections += 1
        return http.client.HTTPConnection("127.0.0.1", int(self.port.read_text()), timeout=PATIENCE)

    def ask(self, connection):
        connection.request("POST", "/graphql", self.body, {"content-type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
        if response.status != 200 or "errors" in answer:
            raise Wrong(f"{response.status}: {json.dumps(answer)[:300]}")
        prices = Load.prices(answer["data"])
        if self.shown is None:
            self.shown = prices
        if prices != self.shown:
            raise Wrong(f"other products than before: {prices}")

    def client(self):
        connection, is_new = self.connect(), True
        while True:
            with self.lock:
                if self.left == 0 or len(self.failed) > 10:
                    return
                self.left -= 1
            while True:
                try:
                    self.ask(connection)
                    # `close` in the response has closed it here too; the next request opens another one.
                    if connection.sock is None:
                        connection, is_new = self.connect(), True
                    else:
                        is_new = False
                    self.answered += 1
                    break
                except (http.client.RemoteDisconnected, ConnectionError) as error:
                    connection.close()
                    # An idle connection may close while a request is on its way to it; RFC 9112 §9.3.1 has the client send it again.
                    if is_new:
                        self.failed.append(repr(error))
                        break
                    self.again += 1
                    connection, is_new = self.connect(), True
                except Exception as error:
                    self.failed.append(repr(error))
                    connection.close()
                    connection, is_new = self.connect(), True
                    break

    def run(self, file):
        threads = [threading.Thread(target=self.client) for _ in range(self.CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        lines = [
            f"{self.answered} requests answered over {self.connections} connections, {len(self.failed)} failed, {self.again} sent again because their idle connection was closed",
            *[f"FAILED: {failure}" for failure in self.failed[:10]],
        ]
        Path(file).write_text("\n".join(lines) + "\n")
        if self.failed:
            raise SystemExit(1)


def dashboard(prometheus, file):
    panels = [panel for panel in json.loads(Path(file).read_text())["panels"] if panel["type"] != "row"]
    with_data = asked = 0
    for panel in panels:
        for target in panel["targets"]:
            query = target["expr"].replace("$__rate_interval", "1m").replace("$job", "braid").replace("$instance", ".*")
            asked += 1
            try:
                with urllib.request.urlopen(f"{prometheus}/api/v1/query?{urllib.parse.urlencode({'query': query})}") as answer:
                    with_data += bool(json.load(answer)["data"]["result"])
            except urllib.error.HTTPError as error:
                raise SystemExit(f"{panel['title']}: {query}: {error.read().decode()}") from error
    print(f"dashboard: {asked} queries of {len(panels)} panels asked, {with_data} with data")
    if with_data < asked / 2:
        raise SystemExit("fewer than half of the queries have data")


match sys.argv[1:]:
    case ["check", url]:
        check(url)
    case ["load", url, stop, report]:
        load = Load(url, stop)
        load.run()
        load.settle()
        load.report(report)
    case ["rollout", port, count, report]:
        Rollout(port, int(count)).run(report)
    case ["dashboard", prometheus, file]:
        dashboard(prometheus, file)
    case _:
        raise SystemExit(__doc__)
