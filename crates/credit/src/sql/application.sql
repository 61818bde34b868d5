-- The application itself: one row per applicant.
--
-- `applications` holds the applicants of both files. `income_by_organization` (the median income of an organisation type) and
-- `scores` (the mean of NEW_SCORES_STD) were fitted on training rows. Over the flags of one applicant, `_mean`, `_square` and
-- `_fourth` are the mean and the sums of second and fourth powers about it, from which follow the sample standard deviation and
-- the sample excess kurtosis, n (n + 1) / ((n - 1)(n - 2)(n - 3)) * fourth / variance^2 - 3 (n - 1)^2 / ((n - 2)(n - 3)),
-- with n = 20 documents and n = 6 ways to be reached. Small tables are named first in joins: an engine without statistics holds
-- the first one in memory.
WITH means AS (
  SELECT
    *,
    nullif("DAYS_EMPLOYED", 365243.0) AS employed,
    (
    "FLAG_DOCUMENT_2" + "FLAG_DOCUMENT_3" + "FLAG_DOCUMENT_4" + "FLAG_DOCUMENT_5"
      + "FLAG_DOCUMENT_6" + "FLAG_DOCUMENT_7" + "FLAG_DOCUMENT_8" + "FLAG_DOCUMENT_9"
      + "FLAG_DOCUMENT_10" + "FLAG_DOCUMENT_11" + "FLAG_DOCUMENT_12" + "FLAG_DOCUMENT_13"
      + "FLAG_DOCUMENT_14" + "FLAG_DOCUMENT_15" + "FLAG_DOCUMENT_16" + "FLAG_DOCUMENT_17"
      + "FLAG_DOCUMENT_18" + "FLAG_DOCUMENT_19" + "FLAG_DOCUMENT_20" + "FLAG_DOCUMENT_21"
    ) / 20.0 AS doc_mean,
    "FLAG_MOBIL" + "FLAG_EMP_PHONE" + "FLAG_WORK_PHONE"
      + "FLAG_CONT_MOBILE" + "FLAG_PHONE" + "FLAG_EMAIL" AS live_sum,
    CASE WHEN "EXT_SOURCE_1" IS NULL THEN 0.0 ELSE 1.0 END
      + CASE WHEN "EXT_SOURCE_2" IS NULL THEN 0.0 ELSE 1.0 END
      + CASE WHEN "EXT_SOURCE_3" IS NULL THEN 0.0 ELSE 1.0 END AS source_count,
    coalesce("EXT_SOURCE_1", 0.0) + coalesce("EXT_SOURCE_2", 0.0) + coalesce("EXT_SOURCE_3", 0.0) AS source_sum
  FROM applications
),
deviations AS (
  SELECT
    *,
    live_sum / 6.0 AS live_mean,
    source_sum / nullif(source_count, 0.0) AS source_mean
  FROM means
),
powers AS (
  SELECT
    *,
    power("FLAG_DOCUMENT_2" - doc_mean, 2.0) + power("FLAG_DOCUMENT_3" - doc_mean, 2.0)
      + power("FLAG_DOCUMENT_4" - doc_mean, 2.0) + power("FLAG_DOCUMENT_5" - doc_mean, 2.0)
      + power("FLAG_DOCUMENT_6" - doc_mean, 2.0) + power("FLAG_DOCUMENT_7" - doc_mean, 2.0)
      + power("FLAG_DOCUMENT_8" - doc_mean, 2.0) + power("FLAG_DOCUMENT_9" - doc_mean, 2.0)
      + power("FLAG_DOCUMENT_10" - doc_mean, 2.0) + power("FLAG_DOCUMENT_11" - doc_mean, 2.0)
      + power("FLAG_DOCUMENT_12" - doc_mean, 2.0) + power("FLAG_DOCUMENT_13" - doc_mean, 2.0)
      + power("FLAG_DOCUMENT_14" - doc_mean, 2.0) + power("FLAG_DOCUMENT_15" - doc_mean, 2.0)
      + power("FLAG_DOCUMENT_16" - doc_mean, 2.0) + power("FLAG_DOCUMENT_17" - doc_mean, 2.0)
      + power("FLAG_DOCUMENT_18" - doc_mean, 2.0) + power("FLAG_DOCUMENT_19" - doc_mean, 2.0)
      + power("FLAG_DOCUMENT_20" - doc_mean, 2.0) + power("FLAG_DOCUMENT_21" - doc_mean, 2.0) AS doc_square,
    power("FLAG_DOCUMENT_2" - doc_mean, 4.0) + power("FLAG_DOCUMENT_3" - doc_mean, 4.0)
      + power("FLAG_DOCUMENT_4" - doc_mean, 4.0) + power("FLAG_DOCUMENT_5" - doc_mean, 4.0)
      + power("FLAG_DOCUMENT_6" - doc_mean, 4.0) + power("FLAG_DOCUMENT_7" - doc_mean, 4.0)
      + power("FLAG_DOCUMENT_8" - doc_mean, 4.0) + power("FLAG_DOCUMENT_9" - doc_mean, 4.0)
      + power("FLAG_DOCUMENT_10" - doc_mean, 4.0) + power("FLAG_DOCUMENT_11" - doc_mean, 4.0)
      + power("FLAG_DOCUMENT_12" - doc_mean, 4.0) + power("FLAG_DOCUMENT_13" - doc_mean, 4.0)
      + power("FLAG_DOCUMENT_14" - doc_mean, 4.0) + power("FLAG_DOCUMENT_15" - doc_mean, 4.0)
      + power("FLAG_DOCUMENT_16" - doc_mean, 4.0) + power("FLAG_DOCUMENT_17" - doc_mean, 4.0)
      + power("FLAG_DOCUMENT_18" - doc_mean, 4.0) + power("FLAG_DOCUMENT_19" - doc_mean, 4.0)
      + power("FLAG_DOCUMENT_20" - doc_mean, 4.0) + power("FLAG_DOCUMENT_21" - doc_mean, 4.0) AS doc_fourth,
    power("FLAG_MOBIL" - live_mean, 2.0) + power("FLAG_EMP_PHONE" - live_mean, 2.0)
      + power("FLAG_WORK_PHONE" - live_mean, 2.0) + power("FLAG_CONT_MOBILE" - live_mean, 2.0)
      + power("FLAG_PHONE" - live_mean, 2.0) + power("FLAG_EMAIL" - live_mean, 2.0) AS live_square,
    power("FLAG_MOBIL" - live_mean, 4.0) + power("FLAG_EMP_PHONE" - live_mean, 4.0)
      + power("FLAG_WORK_PHONE" - live_mean, 4.0) + power("FLAG_CONT_MOBILE" - live_mean, 4.0)
      + power("FLAG_PHONE" - live_mean, 4.0) + power("FLAG_EMAIL" - live_mean, 4.0) AS live_fourth,
    coalesce(power("EXT_SOURCE_1" - source_mean, 2.0), 0.0)
      + coalesce(power("EXT_SOURCE_2" - source_mean, 2.0), 0.0)
      + coalesce(power("EXT_SOURCE_3" - source_mean, 2.0), 0.0) AS source_square
  FROM deviations
),
placed AS (
  SELECT *
  FROM income_by_organization
  RIGHT JOIN powers ON organization = "ORGANIZATION_TYPE"
)
SELECT
  "SK_ID_CURR",
  CASE "CODE_GENDER" WHEN 'M' THEN 0.0 WHEN 'F' THEN 1.0 END AS "CODE_GENDER",
  CASE "FLAG_OWN_REALTY" WHEN 'Y' THEN 0.0 WHEN 'N' THEN 1.0 END AS "FLAG_OWN_REALTY",
  "AMT_INCOME_TOTAL",
  "AMT_CREDIT",
  "AMT_ANNUITY",
  "AMT_GOODS_PRICE",
  "REGION_POPULATION_RELATIVE",
  "DAYS_BIRTH",
  employed AS "DAYS_EMPLOYED",
  "DAYS_REGISTRATION",
  "DAYS_ID_PUBLISH",
  "OWN_CAR_AGE",
  "FLAG_WORK_PHONE",
  "FLAG_PHONE",
  "CNT_FAM_MEMBERS",
  "REGION_RATING_CLIENT",
  "REGION_RATING_CLIENT_W_CITY",
  "HOUR_APPR_PROCESS_START",
  "REG_CITY_NOT_LIVE_CITY",
  "LIVE_CITY_NOT_WORK_CITY",
  "EXT_SOURCE_1",
  "EXT_SOURCE_2",
  "EXT_SOURCE_3",
  "APARTMENTS_AVG",
  "BASEMENTAREA_AVG",
  "YEARS_BEGINEXPLUATATION_AVG",
  "YEARS_BUILD_AVG",
  "COMMONAREA_AVG",
  "ELEVATORS_AVG",
  "ENTRANCES_AVG",
  "FLOORSMAX_AVG",
  "FLOORSMIN_AVG",
  "LANDAREA_AVG",
  "LIVINGAPARTMENTS_AVG",
  "LIVINGAREA_AVG",
  "NONLIVINGAPARTMENTS_AVG",
  "NONLIVINGAREA_AVG",
  "APARTMENTS_MODE",
  "BASEMENTAREA_MODE",
  "YEARS_BEGINEXPLUATATION_MODE",
  "YEARS_BUILD_MODE",
  "COMMONAREA_MODE",
  "FLOORSMIN_MODE",
  "LANDAREA_MODE",
  "LIVINGAPARTMENTS_MODE",
  "LIVINGAREA_MODE",
  "NONLIVINGAPARTMENTS_MODE",
  "NONLIVINGAREA_MODE",
  "APARTMENTS_MEDI",
  "BASEMENTAREA_MEDI",
  "YEARS_BEGINEXPLUATATION_MEDI",
  "YEARS_BUILD_MEDI",
  "COMMONAREA_MEDI",
  "ENTRANCES_MEDI",
  "FLOORSMAX_MEDI",
  "FLOORSMIN_MEDI",
  "LANDAREA_MEDI",
  "LIVINGAPARTMENTS_MEDI",
  "LIVINGAREA_MEDI",
  "NONLIVINGAPARTMENTS_MEDI",
  "NONLIVINGAREA_MEDI",
  "TOTALAREA_MODE",
  "OBS_30_CNT_SOCIAL_CIRCLE",
  "DEF_30_CNT_SOCIAL_CIRCLE",
  "OBS_60_CNT_SOCIAL_CIRCLE",
  "DEF_60_CNT_SOCIAL_CIRCLE",
  "DAYS_LAST_PHONE_CHANGE",
  "FLAG_DOCUMENT_3",
  "FLAG_DOCUMENT_8",
  "FLAG_DOCUMENT_18",
  "AMT_REQ_CREDIT_BUREAU_MON",
  "AMT_REQ_CREDIT_BUREAU_QRT",
  "AMT_REQ_CREDIT_BUREAU_YEAR",
  "AMT_CREDIT" / "AMT_ANNUITY" AS "NEW_CREDIT_TO_ANNUITY_RATIO",
  "AMT_CREDIT" / "AMT_GOODS_PRICE" AS "NEW_CREDIT_TO_GOODS_RATIO",
  doc_mean AS "NEW_DOC_IND_AVG",
  sqrt(doc_square / 19.0) AS "NEW_DOC_IND_STD",
  CASE WHEN doc_square > 0.0 THEN 7980.0 * doc_fourth / (306.0 * doc_square * doc_square) - 1083.0 / 306.0 ELSE 0.0 END AS "NEW_DOC_IND_KURT",
  live_sum AS "NEW_LIVE_IND_SUM",
  sqrt(live_square / 5.0) AS "NEW_LIVE_IND_STD",
  CASE WHEN live_square > 0.0 THEN 210.0 * live_fourth / (12.0 * live_square * live_square) - 75.0 / 12.0 ELSE 0.0 END AS "NEW_LIVE_IND_KURT",
  "AMT_INCOME_TOTAL" / (1.0 + "CNT_CHILDREN") AS "NEW_INC_PER_CHLD",
  income AS "NEW_INC_BY_ORG",
  employed / "DAYS_BIRTH" AS "NEW_EMPLOY_TO_BIRTH_RATIO",
  "AMT_ANNUITY" / (1.0 + "AMT_INCOME_TOTAL") AS "NEW_ANNUITY_TO_INCOME_RATIO",
  "EXT_SOURCE_1" * "EXT_SOURCE_2" * "EXT_SOURCE_3" AS "NEW_SOURCES_PROD",
  source_mean AS "NEW_EXT_SOURCES_MEAN",
  CASE WHEN source_count > 1.0 THEN sqrt(source_square / (source_count - 1.0)) ELSE scores_std_mean END AS "NEW_SCORES_STD",
  "OWN_CAR_AGE" / "DAYS_BIRTH" AS "NEW_CAR_TO_BIRTH_RATIO",
  "OWN_CAR_AGE" / employed AS "NEW_CAR_TO_EMPLOY_RATIO",
  "DAYS_LAST_PHONE_CHANGE" / "DAYS_BIRTH" AS "NEW_PHONE_TO_BIRTH_RATIO",
  "DAYS_LAST_PHONE_CHANGE" / employed AS "NEW_PHONE_TO_EMPLOY_RATIO",
  "AMT_CREDIT" / "AMT_INCOME_TOTAL" AS "NEW_CREDIT_TO_INCOME_RATIO",
  CASE WHEN "NAME_CONTRACT_TYPE" = 'Cash loans' THEN 1.0 ELSE 0.0 END AS "NAME_CONTRACT_TYPE_Cash loans",
  CASE WHEN "NAME_INCOME_TYPE" = 'Commercial associate' THEN 1.0 ELSE 0.0 END AS "NAME_INCOME_TYPE_Commercial associate",
  CASE WHEN "NAME_INCOME_TYPE" = 'State servant' THEN 1.0 ELSE 0.0 END AS "NAME_INCOME_TYPE_State servant",
  CASE WHEN "NAME_INCOME_TYPE" = 'Working' THEN 1.0 ELSE 0.0 END AS "NAME_INCOME_TYPE_Working",
  CASE WHEN "NAME_EDUCATION_TYPE" = 'Higher education' THEN 1.0 ELSE 0.0 END AS "NAME_EDUCATION_TYPE_Higher education",
  CASE WHEN "NAME_EDUCATION_TYPE" = 'Incomplete higher' THEN 1.0 ELSE 0.0 END AS "NAME_EDUCATION_TYPE_Incomplete higher",
  CASE WHEN "NAME_EDUCATION_TYPE" = 'Lower secondary' THEN 1.0 ELSE 0.0 END AS "NAME_EDUCATION_TYPE_Lower secondary",
  CASE WHEN "NAME_EDUCATION_TYPE" = 'Secondary / secondary special' THEN 1.0 ELSE 0.0 END AS "NAME_EDUCATION_TYPE_Secondary / secondary special",
  CASE WHEN "NAME_FAMILY_STATUS" = 'Married' THEN 1.0 ELSE 0.0 END AS "NAME_FAMILY_STATUS_Married",
  CASE WHEN "NAME_FAMILY_STATUS" = 'Separated' THEN 1.0 ELSE 0.0 END AS "NAME_FAMILY_STATUS_Separated",
  CASE WHEN "NAME_HOUSING_TYPE" = 'House / apartment' THEN 1.0 ELSE 0.0 END AS "NAME_HOUSING_TYPE_House / apartment",
  CASE WHEN "NAME_HOUSING_TYPE" = 'Municipal apartment' THEN 1.0 ELSE 0.0 END AS "NAME_HOUSING_TYPE_Municipal apartment",
  CASE WHEN "NAME_HOUSING_TYPE" = 'Office apartment' THEN 1.0 ELSE 0.0 END AS "NAME_HOUSING_TYPE_Office apartment",
  CASE WHEN "NAME_HOUSING_TYPE" = 'Rented apartment' THEN 1.0 ELSE 0.0 END AS "NAME_HOUSING_TYPE_Rented apartment",
  CASE WHEN "OCCUPATION_TYPE" = 'Accountants' THEN 1.0 ELSE 0.0 END AS "OCCUPATION_TYPE_Accountants",
  CASE WHEN "OCCUPATION_TYPE" = 'Core staff' THEN 1.0 ELSE 0.0 END AS "OCCUPATION_TYPE_Core staff",
  CASE WHEN "OCCUPATION_TYPE" = 'Drivers' THEN 1.0 ELSE 0.0 END AS "OCCUPATION_TYPE_Drivers",
  CASE WHEN "OCCUPATION_TYPE" = 'High skill tech staff' THEN 1.0 ELSE 0.0 END AS "OCCUPATION_TYPE_High skill tech staff",
  CASE WHEN "OCCUPATION_TYPE" = 'Laborers' THEN 1.0 ELSE 0.0 END AS "OCCUPATION_TYPE_Laborers",
  CASE WHEN "OCCUPATION_TYPE" = 'Medicine staff' THEN 1.0 ELSE 0.0 END AS "OCCUPATION_TYPE_Medicine staff",
  CASE WHEN "WEEKDAY_APPR_PROCESS_START" = 'MONDAY' THEN 1.0 ELSE 0.0 END AS "WEEKDAY_APPR_PROCESS_START_MONDAY",
  CASE WHEN "WEEKDAY_APPR_PROCESS_START" = 'SATURDAY' THEN 1.0 ELSE 0.0 END AS "WEEKDAY_APPR_PROCESS_START_SATURDAY",
  CASE WHEN "WEEKDAY_APPR_PROCESS_START" = 'SUNDAY' THEN 1.0 ELSE 0.0 END AS "WEEKDAY_APPR_PROCESS_START_SUNDAY",
  CASE WHEN "WEEKDAY_APPR_PROCESS_START" = 'WEDNESDAY' THEN 1.0 ELSE 0.0 END AS "WEEKDAY_APPR_PROCESS_START_WEDNESDAY",
  CASE WHEN "ORGANIZATION_TYPE" = 'Bank' THEN 1.0 ELSE 0.0 END AS "ORGANIZATION_TYPE_Bank",
  CASE WHEN "ORGANIZATION_TYPE" = 'Business Entity Type 3' THEN 1.0 ELSE 0.0 END AS "ORGANIZATION_TYPE_Business Entity Type 3",
  CASE WHEN "ORGANIZATION_TYPE" = 'Construction' THEN 1.0 ELSE 0.0 END AS "ORGANIZATION_TYPE_Construction",
  CASE WHEN "ORGANIZATION_TYPE" = 'Industry: type 9' THEN 1.0 ELSE 0.0 END AS "ORGANIZATION_TYPE_Industry: type 9",
  CASE WHEN "ORGANIZATION_TYPE" = 'Kindergarten' THEN 1.0 ELSE 0.0 END AS "ORGANIZATION_TYPE_Kindergarten",
  CASE WHEN "ORGANIZATION_TYPE" = 'Medicine' THEN 1.0 ELSE 0.0 END AS "ORGANIZATION_TYPE_Medicine",
  CASE WHEN "ORGANIZATION_TYPE" = 'Military' THEN 1.0 ELSE 0.0 END AS "ORGANIZATION_TYPE_Military",
  CASE WHEN "ORGANIZATION_TYPE" = 'Police' THEN 1.0 ELSE 0.0 END AS "ORGANIZATION_TYPE_Police",
  CASE WHEN "ORGANIZATION_TYPE" = 'School' THEN 1.0 ELSE 0.0 END AS "ORGANIZATION_TYPE_School",
  CASE WHEN "ORGANIZATION_TYPE" = 'Self-employed' THEN 1.0 ELSE 0.0 END AS "ORGANIZATION_TYPE_Self-employed",
  CASE WHEN "ORGANIZATION_TYPE" = 'Transport: type 3' THEN 1.0 ELSE 0.0 END AS "ORGANIZATION_TYPE_Transport: type 3",
  CASE WHEN "WALLSMATERIAL_MODE" = 'Stone, brick' THEN 1.0 ELSE 0.0 END AS "WALLSMATERIAL_MODE_Stone, brick"
FROM scores
CROSS JOIN placed
