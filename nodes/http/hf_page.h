/*  hf_page.h - the files of the page that the HTTP port serves; cmake makes them of nodes/http/page
 *  (cmake/HfEmbed.cmake).
 */
#ifndef HF_PAGE_H_INCLUDED
#define HF_PAGE_H_INCLUDED

#include <stddef.h>

typedef struct hf_page_file {
    const char *path, *type; //  Content-Type
    const char *text;        //  ends with a zero that is not counted
    size_t size;
} hf_page_file_t;

extern const hf_page_file_t hf_page_files[];
extern const size_t hf_page_files_count;

#endif
