-- Months of credits in the bureau: one row per credit; bureau.sql joins them under the name `bureau_months`.
SELECT
  "SK_ID_BUREAU",
  min("MONTHS_BALANCE") AS "MONTHS_BALANCE_MIN",
  max("MONTHS_BALANCE") AS "MONTHS_BALANCE_MAX",
  CAST(count(*) AS DOUBLE) AS "MONTHS_BALANCE_SIZE",
  avg(CASE WHEN "STATUS" = '0' THEN 1.0 ELSE 0.0 END) AS "STATUS_0_MEAN",
  avg(CASE WHEN "STATUS" = '1' THEN 1.0 ELSE 0.0 END) AS "STATUS_1_MEAN",
  avg(CASE WHEN "STATUS" = 'C' THEN 1.0 ELSE 0.0 END) AS "STATUS_C_MEAN",
  avg(CASE WHEN "STATUS" = 'X' THEN 1.0 ELSE 0.0 END) AS "STATUS_X_MEAN"
FROM bureau_balance
GROUP BY "SK_ID_BUREAU"
