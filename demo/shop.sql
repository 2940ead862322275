-- The sample of the demo: a small shop's orders, the same at every load. Runs on MariaDB and on MySQL 8.0 or later.

CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
USE shop;

CREATE TABLE products (
  sku        CHAR(6)       NOT NULL PRIMARY KEY,
  name       VARCHAR(60)   NOT NULL,
  price      DECIMAL(10,2) NOT NULL,
  weight_kg  FLOAT         NOT NULL,
  in_stock   BOOLEAN       NOT NULL DEFAULT TRUE
);

INSERT INTO products VALUES
  ('TEA-01', 'Darjeeling first flush',   14.90, 0.25, TRUE),
  ('TEA-02', 'Jasmine pearls',           18.50, 0.2,  TRUE),
  ('TEA-03', 'Rooibos with vanilla',      7.80, 0.5,  TRUE),
  ('COF-01', 'Espresso beans, 1 kg',     24.00, 1.05, TRUE),
  ('COF-02', 'Ethiopia Sidamo, 250 g',   11.20, 0.27, TRUE),
  ('POT-01', 'Cast-iron teapot',         59.00, 2.4,  TRUE),
  ('POT-02', 'Glass jug, 1.2 l',         32.50, 0.9,  FALSE),
  ('CUP-01', 'Stoneware cup, grey',      12.00, 0.35, TRUE),
  ('CUP-02', 'Café bowl "Orléans"',      13.50, 0.4,  TRUE),
  ('GIF-01', 'Gift box for two',         45.00, 1.8,  TRUE);

CREATE TABLE orders (
  id          INT UNSIGNED      NOT NULL AUTO_INCREMENT PRIMARY KEY,
  customer    VARCHAR(80)       NOT NULL,
  email       VARCHAR(120)      NULL,
  sku         CHAR(6)           NOT NULL,
  quantity    SMALLINT UNSIGNED NOT NULL DEFAULT 1,
  price       DECIMAL(10,2)     NOT NULL,
  status      ENUM('new','paid','packed','shipped','returned') NOT NULL DEFAULT 'new',
  gift        BOOLEAN           NOT NULL DEFAULT FALSE,
  ordered_on  DATE              NULL,
  placed_at   DATETIME          NULL,
  pickup      TIME              NULL,
  weight_kg   FLOAT             NULL,
  parcel      BIGINT UNSIGNED   NULL COMMENT 'twenty digits: more than a sheet keeps in a number',
  extras      JSON              NULL,
  note        TEXT              NULL,
  changed_at  TIMESTAMP         NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP
);

-- Two hundred orders. Steps that share no factor with the lengths of the lists keep the mix even and never random.
INSERT INTO orders (customer, email, sku, quantity, price, status, gift, ordered_on, placed_at, pickup, weight_kg,
                    parcel, extras, note, changed_at)
WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 200),
person AS (
  SELECT n,
    ELT(1 + n * 7 % 24, 'Anna', 'Björn', 'Chloé', 'Dmitri', 'Elif', 'Fatima', 'Giorgio', 'Hannah', 'Igor', 'Jana', 'Kofi',
      'Lucía', 'Marek', 'Nora', 'Oskar', 'Priya', 'Quentin', 'Rosa', 'Søren', 'Tomás', 'Uma', 'Věra', 'Wanda', 'Zoë') AS given,
    ELT(1 + n * 5 % 18, 'Müller', 'Østergaard', 'O''Brien', 'García', 'Nowak', 'Rossi', 'Dubois', 'Jansen', 'Kowalska',
      'Yılmaz', 'Okafor', 'Lindqvist', 'Novák', 'Silva', 'Weber', 'Andersson', 'Khan', 'Smith-Jones') AS family,
    TIMESTAMP('2026-08-03 08:15:00') + INTERVAL n * 613 MINUTE AS placed
  FROM number
)
SELECT
  CONCAT(given, ' ', family),
  IF(n % 9 = 0, NULL, CONCAT('customer', n, '@example.com')),
  products.sku,
  1 + n * 11 % 4,
  products.price * (1 + n * 11 % 4),
  IF(n > 180, ELT(1 + n % 3, 'new', 'paid', 'packed'), ELT(1 + n * 13 % 12, 'paid', 'packed', 'shipped', 'shipped', 'shipped',
    'shipped', 'shipped', 'shipped', 'shipped', 'shipped', 'shipped', 'returned')),
  n % 6 = 0,
  DATE(placed),
  placed,
  IF(n % 4 = 0, MAKETIME(9 + n % 9, n * 15 % 60, 0), NULL),
  ROUND(products.weight_kg * (1 + n * 11 % 4), 2),
  IF(n % 3 = 0, NULL, 10340434000000000000 + n * 7919),
  CASE WHEN n % 5 = 0 THEN '{"wrap": "red", "card": "Happy birthday!"}' WHEN n % 7 = 0 THEN '{"grind": "fine"}' END,
  CASE n % 16 WHEN 3 THEN 'Please ring twice.' WHEN 8 THEN 'Leave it with the neighbours.'
    WHEN 12 THEN CONCAT('=== fragile ===', CHAR(10), 'Handle with care.') END,
  placed + INTERVAL n % 5 DAY
FROM person
JOIN products ON products.sku = ELT(1 + n * 3 % 10, 'TEA-01', 'TEA-02', 'TEA-03', 'COF-01', 'COF-02', 'POT-01', 'POT-02',
  'CUP-01', 'CUP-02', 'GIF-01')
ORDER BY n;
