//! The eight tables of Home Credit Default Risk: their names and the columns that the features need.

mod columns;
mod files;

pub use files::{Files, Format, TableFile};

/// One of the eight tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// Applicants whose outcome is known.
    ApplicationTrain,
    /// Applicants whose outcome is to be predicted.
    ApplicationTest,
    /// Credits at other lenders, as the credit bureau reports them.
    Bureau,
    /// Months of those credits.
    BureauBalance,
    /// Earlier applications to this lender.
    PreviousApplication,
    /// Months of earlier point-of-sale and cash loans.
    PosCashBalance,
    /// Payments for earlier loans.
    InstallmentsPayments,
    /// Months of credit cards.
    CreditCardBalance,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An identifier: a whole number, never missing.
    Key,
    /// A level of a category.
    Text,
    /// Any number; may be missing.
    Number,
}

impl Table {
    /// All tables; applicants first, and each table after those that it refers to.
    pub const ALL: [Self; 8] = [
        Self::ApplicationTrain,
        Self::ApplicationTest,
        Self::Bureau,
        Self::BureauBalance,
        Self::PreviousApplication,
        Self::PosCashBalance,
        Self::InstallmentsPayments,
        Self::CreditCardBalance,
    ];

    /// The name of its file, without the suffix, and in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::ApplicationTrain => "application_train",
            Self::ApplicationTest => "application_test",
            Self::Bureau => "bureau",
            Self::BureauBalance => "bureau_balance",
            Self::PreviousApplication => "previous_application",
            Self::PosCashBalance => "POS_CASH_balance",
            Self::InstallmentsPayments => "installments_payments",
            Self::CreditCardBalance => "credit_card_balance",
        }
    }

    /// The columns that the features need, with what they hold. A file may have more, in any order.
    pub fn columns(self) -> impl Iterator<Item = (&'static str, Kind)> {
        let [keys, texts, numbers] = match self {
            Self::ApplicationTrain => columns::APPLICATION_TRAIN,
            Self::ApplicationTest => columns::APPLICATION,
            Self::Bureau => columns::BUREAU,
            Self::BureauBalance => columns::BUREAU_BALANCE,
            Self::PreviousApplication => columns::PREVIOUS_APPLICATION,
            Self::PosCashBalance => columns::POS_CASH_BALANCE,
            Self::InstallmentsPayments => columns::INSTALLMENTS_PAYMENTS,
            Self::CreditCardBalance => columns::CREDIT_CARD_BALANCE,
        };
        let of = |names: &'static str, kind| names.split_ascii_whitespace().map(move |name| (name, kind));
        of(keys, Kind::Key).chain(of(texts, Kind::Text)).chain(of(numbers, Kind::Number))
    }

    /// The columns of one kind.
    pub fn columns_of(self, kind: Kind) -> impl Iterator<Item = &'static str> {
        self.columns().filter(move |(_, k)| *k == kind).map(|(name, _)| name)
    }

    /// The key that says which applicant or which credit a row belongs to.
    pub fn owner(self) -> &'static str {
        if self == Self::BureauBalance { "SK_ID_BUREAU" } else { "SK_ID_CURR" }
    }

    /// The key that no two rows share, where there is one.
    pub fn unique(self) -> Option<&'static str> {
        match self {
            Self::ApplicationTrain | Self::ApplicationTest => Some("SK_ID_CURR"),
            Self::Bureau => Some("SK_ID_BUREAU"),
            Self::PreviousApplication => Some("SK_ID_PREV"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_column_is_named_twice() {
        for table in Table::ALL {
            let mut names: Vec<_> = table.columns().map(|(name, _)| name).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all, "{}", table.name());
            assert!(names.contains(&table.owner()));
            assert!(table.unique().is_none_or(|key| names.contains(&key)));
        }
    }
}
