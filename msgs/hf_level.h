/*  hf_level.h - how much a line in a node's log matters. */
#ifndef HF_LEVEL_H_INCLUDED
#define HF_LEVEL_H_INCLUDED

typedef enum hf_level { HF_ERROR, HF_WARN, HF_INFO, HF_DEBUG } hf_level_t;

#endif
