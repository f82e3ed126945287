-- Customers, orders and items to try hangup with PostgreSQL: 500, 5,000 and 20,000 rows, the same rows
-- each time. Load it into an empty database, here "shop": psql -d shop -f config/postgres.sql
-- docs/postgresql.md has all steps.
CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, city text NOT NULL,
                        country text NOT NULL, since date NOT NULL);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customers,
                     ordered timestamp NOT NULL, status text NOT NULL);
CREATE TABLE items (order_id int NOT NULL REFERENCES orders, product text NOT NULL,
                    quantity int NOT NULL, cents int NOT NULL);

INSERT INTO customers
  SELECT g, 'customer-' || g, (ARRAY['Berlin', 'Lyon', 'Osaka', 'Boston'])[1 + g % 4],
         (ARRAY['DE', 'FR', 'JP', 'US'])[1 + g % 4], date '2016-01-01' + g
  FROM generate_series(1, 500) g;
INSERT INTO orders
  SELECT g, 1 + g * 7919 % 500, timestamp '2024-01-01' + g * interval '100 minutes',
         (ARRAY['paid', 'shipped', 'returned'])[1 + g % 3]
  FROM generate_series(1, 5000) g;
INSERT INTO items
  SELECT 1 + g * 7907 % 5000, 'product-' || g % 97, 1 + g % 7, 100 + g * 31 % 9900
  FROM generate_series(1, 20000) g;

CREATE INDEX orders_by_customer ON orders (customer_id);
CREATE INDEX items_by_order ON items (order_id);
ANALYZE customers, orders, items;
