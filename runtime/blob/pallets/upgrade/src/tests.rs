//! Each test is named after the rule that it checks.
