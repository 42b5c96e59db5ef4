//! Each rule of how a registry is spoken to has a test, and this is where to find it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A rule and the tests that hold it.
const RULES: &[(&str, &[&str])] = &[
    // How the client goes about.
    (
        "redirects are followed by our own loop, five at most",
        &["redirects_that_stay_are_followed_five_times"],
    ),
    (
        "a login is dropped on any change of origin and does not come back",
        &[
            "redirects_take_no_login_along",
            "nothing_secret_arrives_at_another_origin",
        ],
    ),
    (
        "nothing leads from https to http",
        &[
            "nothing_leads_from_https_to_http",
            "nothing_secret_arrives_at_another_origin",
        ],
    ),
    (
        "only blobs may come from another host",
        &["blobs_may_come_from_another_host_and_manifests_may_not"],
    ),
    (
        "other schemes and user names in redirects are refused",
        &["redirects_to_other_schemes_or_with_a_user_are_refused"],
    ),
    (
        "no `Referer` is sent",
        &["nothing_secret_arrives_at_another_origin"],
    ),
    (
        "a realm is https unless the registry itself is http",
        &["realms_that_must_not_get_a_login_get_none"],
    ),
    (
        "a service does not go into its own network",
        &[
            "a_guarded_client_does_not_go_into_its_own_network",
            "a_guarded_client_refuses_internal_targets_of_a_public_registry",
        ],
    ),
    (
        "`urls` of a descriptor are never followed",
        &["urls_of_a_descriptor_are_never_followed"],
    ),
    (
        "plain http needs the user's word, on loopback too",
        &[
            "plain_http_needs_a_word",
            "only_the_users_word_makes_it_plain_http",
        ],
    ),
    (
        "a name does not lead out of its repository",
        &["names_do_not_lead_out_of_the_repository"],
    ),
    ("offline opens no socket", &["offline_opens_no_socket"]),
    // Caps.
    (
        "a manifest is 4 MiB at most",
        &["too_much_is_refused_before_it_is_read"],
    ),
    (
        "a page of a listing is 4 MiB at most",
        &["a_page_that_is_too_large_is_refused"],
    ),
    (
        "a token answer is 64 KiB at most",
        &["a_token_service_that_lies_or_fails_is_an_error"],
    ),
    (
        "words of an error are cut",
        &["words_of_the_registry_are_passed_on_and_cut"],
    ),
    (
        "20 pages and 1,000 referrers, beyond which a list says that it is incomplete",
        &["a_list_that_is_too_long_is_incomplete_and_says_so"],
    ),
    (
        "a blob over its cap is not asked for",
        &["a_blob_over_the_cap_is_not_asked_for"],
    ),
    (
        "a blob is exactly as large as its descriptor says",
        &["a_blob_has_exactly_its_size_and_digest"],
    ),
    (
        "embedded data is used only when it is right",
        &["embedded_data_needs_no_request_unless_it_is_wrong"],
    ),
    (
        "challenges are read under a cap",
        &["huge_challenges_are_left_unread"],
    ),
    (
        "an encoding that was not asked for is refused",
        &["an_encoding_that_was_not_asked_for_is_refused"],
    ),
    // Logins.
    (
        "basic is sent when it is asked for",
        &["basic_is_answered_when_it_is_asked_for"],
    ),
    (
        "a login is for exactly its host",
        &[
            "the_login_of_another_registry_is_not_sent",
            "the_longest_path_of_exactly_that_host_counts",
        ],
    ),
    (
        "a token is kept for credential, host and scope",
        &[
            "one_callers_token_is_never_anothers",
            "a_token_is_fetched_once_with_our_scope_and_kept",
        ],
    ),
    (
        "ten requests at once fetch one token",
        &["ten_requests_at_once_fetch_one_token"],
    ),
    (
        "a token is not used when its time is over",
        &["a_token_whose_time_is_over_is_fetched_again"],
    ),
    (
        "an identity token is exchanged by POST (ACR)",
        &["an_identity_token_is_exchanged_by_post"],
    ),
    (
        "a kept token that is refused is renewed once, on 401, 403 (ECR) and 400 (its public side)",
        &["a_kept_token_that_is_refused_is_renewed_once"],
    ),
    (
        "credential files are asked in the order of the manual",
        &["files_are_asked_in_the_order_of_the_manual"],
    ),
    (
        "all names of Docker Hub are one",
        &["docker_hub_has_one_login_under_all_its_names"],
    ),
    (
        "a helper gets ten seconds and 64 KiB",
        &[
            "a_helper_that_says_nothing_is_stopped_after_ten_seconds",
            "a_helper_that_talks_without_end_is_stopped",
        ],
    ),
    (
        "a helper's name leads nowhere",
        &["names_of_helpers_that_could_lead_elsewhere_are_refused"],
    ),
    (
        "a pull secret starts no program",
        &["helpers_in_a_secret_are_passed_over"],
    ),
    (
        "what a registry repeats does not come into messages",
        &[
            "secrets_do_not_come_back_in_messages",
            "a_warning_that_repeats_the_login_is_dropped",
        ],
    ),
    (
        "a login that is refused is looked up once more (ECR's are over after twelve hours)",
        &["a_login_that_is_refused_is_looked_up_once_more"],
    ),
    (
        "a helper says why it failed, and no login",
        &[
            "what_a_helper_says_of_its_failure_is_passed_on",
            "a_login_that_a_helper_prints_does_not_come_into_messages",
        ],
    ),
    // Trying again.
    (
        "an outage that passes is waited for",
        &["an_outage_that_passes_is_waited_for"],
    ),
    (
        "one that stays is asked three times",
        &["an_outage_that_stays_is_asked_three_times"],
    ),
    (
        "a wait beyond the deadline is not begun",
        &["a_wait_longer_than_the_deadline_is_not_begun"],
    ),
    (
        "slowness costs the deadline and no more",
        &[
            "slowness_costs_the_deadline_and_no_more",
            "a_probe_has_a_deadline_from_its_first_question_on",
        ],
    ),
    (
        "an upload is begun anew once",
        &["an_upload_whose_connection_breaks_is_begun_anew_once"],
    ),
    // Reading referrers.
    (
        "the API is asked unfiltered, with an `Accept`",
        &["the_api_is_one_request_and_unfiltered"],
    ),
    (
        "404, 405, 501, 400 UNSUPPORTED, HTML and a redirect away mean that there is no API",
        &[
            "without_the_api_the_tag_is_read",
            "that_there_is_no_api_is_remembered",
        ],
    ),
    (
        "401, 403, 429 and 5xx are errors and never absence",
        &[
            "an_api_that_fails_is_an_error_and_no_reason_to_read_the_tag",
            "a_fallback_tag_that_fails_is_an_error",
            "only_404_is_absence",
        ],
    ),
    (
        "a success that is no list is told of",
        &["a_success_that_is_no_list_is_told_of"],
    ),
    (
        "no content type: the body's own media type; parameters are ignored",
        &["the_content_type_is_read_as_http_says"],
    ),
    (
        "an empty list is followed by one look at the tag",
        &["an_empty_list_is_followed_by_one_look_at_the_tag"],
    ),
    (
        "`Link` is followed on the registry itself and nowhere else",
        &[
            "pages_are_followed_on_the_registry_itself",
            "a_page_elsewhere_is_refused",
        ],
    ),
    (
        "a fallback tag that is no list is an error",
        &["a_tag_that_is_not_a_list_is_an_error"],
    ),
    (
        "what is listed is a hint: the manifest's own subject, one layer and what is in it decide",
        &[
            "a_referrer_of_another_subject_does_not_count",
            "a_bundle_manifest_has_exactly_one_layer",
            "an_artifact_type_that_says_nothing_is_looked_into",
        ],
    ),
    (
        "a piece of evidence is 64 MiB at most, and one that is not read hides no other",
        &["a_bundle_over_the_limit_is_not_read_and_hides_no_other"],
    ),
    // What a registry that lies or breaks amounts to.
    (
        "an image that cannot be read as promised is an error with its class",
        &["an_image_that_cannot_be_resolved_is_an_error_with_its_class"],
    ),
    (
        "a piece that cannot be fetched is reported, and the answer comes from the rest",
        &[
            "one_unreadable_piece_never_hides_another",
            "a_listed_piece_that_is_gone_is_unknown",
        ],
    ),
    (
        "a piece that arrives whole and is garbage is evidence that does not count",
        &["garbage_that_is_what_its_digest_says_is_evidence_that_does_not_count"],
    ),
    (
        "a list that was cut is unknown unless what was read passes",
        &["a_cut_listing_is_unknown_unless_what_was_read_passes"],
    ),
    (
        "nothing attached and no image are told apart",
        &["nothing_attached_and_no_image_are_told_apart_by_one_head"],
    ),
    // Writing.
    (
        "blobs before the manifest",
        &["five_requests_when_the_empty_config_exists_and_seven_when_not"],
    ),
    (
        "`OCI-Subject` spares the fallback tag",
        &["a_registry_that_knows_subjects_needs_no_tag"],
    ),
    (
        "without it the fallback index is written with type and annotations of the manifest",
        &[
            "without_oci_subject_the_fallback_index_is_written_and_looked_at_three_times",
            "without_the_api_the_fallback_index_names_it",
        ],
    ),
    (
        "the fallback tag is the algorithm and 64 characters",
        &[
            "sha256_tag_has_the_whole_value",
            "sha512_tag_is_cut_at_64_characters",
        ],
    ),
    (
        "a tag that holds something else is left alone",
        &["a_fallback_tag_that_is_not_a_list_is_left_alone"],
    ),
    (
        "conditions are sent always; what we do not know survives",
        &["others_entries_are_kept_and_the_change_is_conditional"],
    ),
    (
        "eight writers at once lose nothing",
        &["eight_writers_at_once_are_all_listed"],
    ),
    (
        "a full list is not cut",
        &["a_list_that_is_full_is_not_cut"],
    ),
    (
        "the manifest is cosign's, empty config and all",
        &["the_manifest_is_the_one_that_cosign_writes"],
    ),
    (
        "an upload's `Location` is used as it is spelled, relative or not",
        &["an_upload_is_a_post_and_a_put_to_where_it_says"],
    ),
    (
        "an upload elsewhere gets no login",
        &["an_upload_elsewhere_gets_no_login"],
    ),
    (
        "a manifest's PUT needs no `Location` (ECR)",
        &["a_manifest_goes_under_its_digest_or_a_tag"],
    ),
    (
        "what is deleted comes off the list that names it",
        &["cleaning_shows_first_and_deletes_what_was_chosen"],
    ),
    (
        "a list that other tools damaged is mended",
        &["a_damaged_list_of_referrers_is_mended"],
    ),
    (
        "an index is signed with its platforms and without what BuildKit puts beside them",
        &[
            "an_index_is_signed_with_its_platforms_when_that_is_asked_for",
            "platforms_and_what_buildkit_puts_beside_them_are_listed",
        ],
    ),
    // Names and digests.
    (
        "a document under the media type of another is noticed",
        &["a_document_under_the_type_of_another_is_noticed"],
    ),
    (
        "tags are read page by page",
        &[
            "tags_are_read_page_by_page",
            "pages_without_end_or_elsewhere_are_refused",
        ],
    ),
    (
        "what is asked for by digest is what comes",
        &["what_is_asked_for_by_digest_is_what_comes_or_an_error"],
    ),
    (
        "`Docker-Content-Digest` is a claim",
        &[
            "a_tag_whose_digest_header_lies_is_refused",
            "a_tag_is_one_request_and_its_digest_is_that_of_the_bytes",
        ],
    ),
    (
        "a document that is two things is refused",
        &["a_document_that_is_two_things_is_refused"],
    ),
    (
        "a `Warning` is passed on once",
        &["a_warning_is_passed_on_once"],
    ),
];

/// The personalities of registries, and where each stands.
const PERSONALITIES: &[(&str, &[&str])] = &[
    (
        "spec 1.1",
        &[
            "the_api_is_one_request_and_unfiltered",
            "a_registry_that_knows_subjects_needs_no_tag",
        ],
    ),
    (
        "distribution 2.8: 404 as text, no filter, no conditions",
        &[
            "without_the_api_the_tag_is_read",
            "eight_writers_at_once_are_all_listed",
        ],
    ),
    (
        "GHCR: 303 to an HTML API",
        &[
            "without_the_api_the_tag_is_read",
            "a_success_that_is_no_list_is_told_of",
        ],
    ),
    (
        "GitLab: the tag is the image itself",
        &["a_tag_that_is_not_a_list_is_an_error"],
    ),
    (
        "ECR: blobs first, no `Location`, 403 for a token that is over",
        &[
            "five_requests_when_the_empty_config_exists_and_seven_when_not",
            "a_manifest_goes_under_its_digest_or_a_tag",
            "a_kept_token_that_is_refused_is_renewed_once",
        ],
    ),
    (
        "pages",
        &[
            "pages_are_followed_on_the_registry_itself",
            "tags_are_read_page_by_page",
        ],
    ),
    (
        "conditional PUT",
        &[
            "others_entries_are_kept_and_the_change_is_conditional",
            "eight_writers_at_once_are_all_listed",
        ],
    ),
    (
        "throttling",
        &[
            "an_outage_that_passes_is_waited_for",
            "a_wait_longer_than_the_deadline_is_not_begun",
        ],
    ),
    (
        "endless",
        &[
            "too_much_is_refused_before_it_is_read",
            "a_token_service_that_lies_or_fails_is_an_error",
        ],
    ),
    ("slow", &["slowness_costs_the_deadline_and_no_more"]),
    (
        "wrong digest",
        &[
            "what_is_asked_for_by_digest_is_what_comes_or_an_error",
            "a_blob_has_exactly_its_size_and_digest",
        ],
    ),
    (
        "redirect to another host",
        &[
            "blobs_may_come_from_another_host_and_manifests_may_not",
            "nothing_secret_arrives_at_another_origin",
        ],
    ),
    (
        "forgets what it took",
        &["a_registry_that_loses_what_it_took_is_told_again"],
    ),
];

/// Names of all tests below a folder.
fn tests(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            for after in text.split("#[test]").skip(1) {
                let name = after
                    .split_once("fn ")
                    .and_then(|(_, rest)| rest.split_once('('));
                found.extend(name.map(|(name, _)| name.to_owned()));
            }
        }
    }
}

#[test]
fn each_rule_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeSet::new();
    // What evidence amounts to is decided by those who ask this crate.
    for folder in ["src", "tests", "../verify-lib/tests", "../cli/tests"] {
        tests(&root.join(folder), &mut found);
    }
    assert!(found.len() > 100, "the tests were read");
    for (rule, named) in RULES.iter().chain(PERSONALITIES) {
        assert!(!named.is_empty(), "`{rule}` has no test");
        for name in *named {
            assert!(
                found.contains(*name),
                "`{rule}` names `{name}`, which is no test"
            );
        }
    }
}
