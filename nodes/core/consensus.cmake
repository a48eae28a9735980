add_library (hf_consensus STATIC
             hf_quorum.c
             hf_core.c
             hf_core_ack.c
             hf_core_barrier.c
             hf_core_durable.c
             hf_core_effects.c
             hf_core_entries.c
             hf_core_handover.c
             hf_core_heartbeat.c
             hf_core_lead.c
             hf_core_link.c
             hf_core_log.c
             hf_core_need.c
             hf_core_peer.c
             hf_core_propose.c
             hf_core_repair.c
             hf_core_role.c
             hf_core_settle.c
             hf_core_stall.c
             hf_core_tick.c
             hf_core_transfer.c
             hf_core_vote.c
             hf_core_vote_request.c)
target_link_libraries (hf_consensus PUBLIC hf_msgs)
