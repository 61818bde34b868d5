//! Where the drivers find report data: the same as parsers of other origin, on every recorded quote and report.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use privet_tee::attest::{Quote, report_data_of};

mod imitation;
use imitation::vector;

const SGX: [&str; 2] = ["sgx/phala_sgx_quote_v3.bin", "sgx/trustee_occlum_sgx_quote_v3.bin"];

const TDX: [&str; 8] = [
    "tdx/gotdx_ccel_cos-113-tdx-quote.dat",
    "tdx/gotdx_quote_v5_sample.dat",
    "tdx/gotdx_tdx_prod_quote_SPR_E4.dat",
    "tdx/phala_tdx_quote_v4.bin",
    "tdx/phala_tdx_quote_v5_td15_outdated.bin",
    "tdx/trustee_tdx_quote_4.dat",
    "tdx/trustee_tdx_quote_5.dat",
    "tdx/trustee_tdx_quote_6.dat",
];

fn reports_of_snp() -> Vec<(String, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tee-vectors/snp");
    let names = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let names = names.filter(|name| name.contains("report.bin"));
    names.map(|name| (name.clone(), vector(&format!("snp/{name}")))).collect()
}

#[test]
fn of_dcap_quotes_as_dcap_qvl_finds_it() {
    let of_sgx = SGX.map(|name| (name, Quote::Sgx));
    let of_tdx = TDX.map(|name| (name, Quote::Tdx));
    for (name, quote) in of_sgx.into_iter().chain(of_tdx) {
        let body = vector(name);
        let parsed = dcap_qvl::quote::Quote::parse(&body).unwrap_or_else(|e| panic!("{name}: {e}"));
        let expected = match &parsed.report {
            dcap_qvl::quote::Report::SgxEnclave(report) => report.report_data,
            dcap_qvl::quote::Report::TD10(report) => report.report_data,
            dcap_qvl::quote::Report::TD15(report) => report.base.report_data,
            dcap_qvl::quote::Report::TD15Ex(_) => panic!("{name} is of a kind that no vector has"),
        };
        assert_eq!(report_data_of(quote, &body), Ok(expected), "{name}");
        let other = if quote == Quote::Sgx { Quote::Tdx } else { Quote::Sgx };
        assert!(report_data_of(other, &body).is_err(), "{name} is no {other:?}");
    }
}

#[test]
fn of_reports_as_the_sev_crate_finds_it() {
    use sev::firmware::guest::AttestationReport;
    use sev::parser::ByteParser as _;
    let reports = reports_of_snp();
    assert!(reports.len() >= 4, "{} reports", reports.len());
    for (name, body) in reports {
        let parsed = AttestationReport::from_bytes(&body).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(
            report_data_of(Quote::Snp, &body).unwrap().as_slice(),
            parsed.report_data.as_slice(),
            "{name}"
        );
    }
}

#[test]
fn evidence_that_ends_before_its_report_data_has_none() {
    let ends = [(Quote::Sgx, SGX[0], 432), (Quote::Tdx, TDX[3], 632), (Quote::Tdx, TDX[4], 638)];
    for (quote, name, end) in ends {
        let body = vector(name);
        for length in 0..end {
            assert!(report_data_of(quote, &body[..length]).is_err(), "{name}, {length} bytes");
        }
        assert!(report_data_of(quote, &body[..end]).is_ok());
    }
    let (_, report) = &reports_of_snp()[0];
    for length in 0..report.len() {
        assert!(report_data_of(Quote::Snp, &report[..length]).is_err(), "{length} bytes");
    }
    let longer = [report.as_slice(), &[0]].concat();
    assert!(report_data_of(Quote::Snp, &longer).is_err());
}

#[test]
fn versions_nobody_described_are_refused() {
    let (_, report) = &reports_of_snp()[0];
    for version in [0, 1, 6, 255] {
        let mut report = report.clone();
        report[0] = version;
        assert!(report_data_of(Quote::Snp, &report).is_err(), "{version}");
    }
    for (quote, name, good) in [(Quote::Tdx, TDX[3], [4, 5].as_slice()), (Quote::Sgx, SGX[0], &[3, 4])] {
        let mut body = vector(name);
        for version in (0..=255).filter(|v| !good.contains(v)) {
            body[0] = version;
            assert!(report_data_of(quote, &body).is_err(), "{name}, {version}");
        }
    }
}
