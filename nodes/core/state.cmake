add_library (hf_state STATIC
    hf_alloc.c hf_table.c hf_rows.c hf_replies.c hf_section.c hf_sessions.c
    hf_locks.c hf_locks_check.c
    hf_outcomes.c hf_state.c hf_state_requests.c hf_state_views.c
    hf_state_rows.c hf_state_load.c hf_state_staged.c
    hf_expiry.c)
target_link_libraries (hf_state PUBLIC hf_msgs)
