#ifndef FSD_API_CALLS_H
#define FSD_API_CALLS_H

#include <stddef.h>

struct request;

/* The handlers of api_routes.c, one file a resource. */

/* api_openapi.c */
int api_openapi(struct request *req);

/* api_workspaces.c */
int api_workspace_list(struct request *req);
int api_workspace_create(struct request *req);
int api_workspace_show(struct request *req);
int api_workspace_change(struct request *req);
int api_workspace_delete(struct request *req);

/* api_grants.c */
int api_workspace_share(struct request *req);
int api_folder_share(struct request *req);
int api_file_share(struct request *req);
int api_workspace_grants(struct request *req);
int api_folder_grants(struct request *req);
int api_file_grants(struct request *req);
int api_workspace_revoke(struct request *req);
int api_folder_revoke(struct request *req);
int api_file_revoke(struct request *req);

/* api_lookup.c */
int api_lookup(struct request *req);

/* api_tree.c */
int api_tree(struct request *req);

/* api_uploads.c */
int api_upload_start(struct request *req);
int api_upload_complete(struct request *req);
int api_upload_show(struct request *req);
int api_upload_abort(struct request *req);

/* api_batch.c */
int api_batch(struct request *req);

/* api_chunks.c: a streamed upload */
int api_stage_start(struct request *req);
int api_stage_write(struct request *req, const void *bytes, size_t len, size_t *used);
int api_stage_finish(struct request *req);
void api_stage_release(struct request *req);

/* api_download.c */
int api_download(struct request *req);
int api_content(struct request *req);
int api_manifest(struct request *req);
int api_chunk(struct request *req);

/* api_parts.c: a streamed upload by ticket */
int api_part_start(struct request *req);
int api_part_write(struct request *req, const void *bytes, size_t len, size_t *used);
int api_part_finish(struct request *req);
void api_part_release(struct request *req);

/* api_folders.c */
int api_folder_make(struct request *req);
int api_folder_show(struct request *req);
int api_folder_children(struct request *req);
int api_folder_change(struct request *req);
int api_folder_delete(struct request *req);

/* api_files.c */
int api_file_show(struct request *req);
int api_file_change(struct request *req);
int api_file_delete(struct request *req);
int api_file_restore(struct request *req);
int api_file_versions(struct request *req);

/* api_trash.c */
int api_trash(struct request *req);
int api_file_undelete(struct request *req);
int api_folder_undelete(struct request *req);

/* api_changes.c */
int api_changes(struct request *req);
void api_changes_release(struct request *req);

/* api_devices.c */
int api_device_make(struct request *req);
int api_device_list(struct request *req);
int api_device_delete(struct request *req);
int api_device_ack(struct request *req);

/* api_events.c */
int api_events(struct request *req);
void api_events_release(struct request *req);

#endif
