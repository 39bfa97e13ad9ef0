#ifndef FSD_API_NODES_H
#define FSD_API_NODES_H

#include "api.h"

/* What the calls that change the tree share: api_folders.c, api_files.c, api_trash.c. */

/* A node in the making of a reply: what the closure left, and what is above it that the caller does not see. */
struct api_result {
	struct node node;
	struct node_hidden hidden;
	const int64_t *sequence;	/* the mutation's, in place of the node's */
	struct request *req;
};
#define API_RESULT_INIT { .node = NODE_INIT }
/* For struct idem: arg is a struct api_result. */
int api_nodes_render(void *arg, struct buf *reply);

/* The path of a node without what is hidden; where nothing above it is shown, its folder isn't either. */
void api_nodes_show_path(const struct node *n, const struct node_hidden *hidden, struct api_node_extra *extra);

/* GET of one node: found by the path's id. */
int api_nodes_show(struct request *req, enum node_kind kind);

/* How the path of what comes into `folder` is shown to the caller. */
int api_nodes_hidden(struct request *req, const struct node *folder, struct node_hidden *hidden);

/*
 * The members "name" and "parentFolderId" of a body, checked. *name NULL: absent. The parent must be one that the caller may write to, of the
 * workspace; `parent` was initialised; its id is 0 if the member is absent.
 */
int api_nodes_place(struct request *req, const struct json *body, int64_t workspace, const char **name, struct node *parent);

/*
 * Whether the caller may take a node that it may write to out of its folder, or give it another name there: for that it has to be able to write to
 * the folder too. ERR_DENIED. Nothing is said of the folder.
 */
int api_nodes_may_move(struct request *req, const struct node *n);

/* An error of a change of the tree, with what it names. */
int api_nodes_fail(struct request *req, int rc, int64_t existing, enum node_kind kind, int64_t current);


#endif
