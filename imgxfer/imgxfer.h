#ifndef IMGXFER_IMGXFER_H_
#define IMGXFER_IMGXFER_H_

#include "base/cli.h"

/*
 * The command that moves osimages.  argv[0] is the command's name; returns
 * the program's exit status, having printed what there is to say.
 */
int image_main(struct cli *cli, int argc, char **argv);

/* How it is called, for cli_usage(). */
#define IMAGE_LIST_USAGE "image list [--site SITE]"
#define IMAGE_EXPORT_USAGE \
	"image export IMAGE [--site SITE] [-o FILE | --output FILE]\n" \
	" [--complete] [--engine imgexport|native] [--dry-run]\n" \
	" [--limit SECONDS] [--grace SECONDS] [--work DIR] [--root DIR]..."
#define IMAGE_INSPECT_USAGE "image inspect [--root DIR]... FILE"
#define IMAGE_IMPORT_USAGE \
	"image import FILE|--from-vault IMAGE --site SITE\n" \
	" [--profile PROFILE] [--as NAME] [--replace [--force]]\n" \
	" [--allow-unproved-arch] [--limit SECONDS] [--grace SECONDS]\n" \
	" [--root DIR]... [--dry-run]"
#define IMAGE_KEEP_USAGE "image keep FILE... [--site SITE]"
#define IMAGE_COPY_USAGE \
	"image copy IMAGE... --from SITE --to SITE [--complete]\n" \
	" [--engine imgexport|native] [--dry-run] [--as NAME]\n" \
	" [--profile PROFILE] [--replace [--force]]\n" \
	" [--allow-unproved-arch] [--limit SECONDS]\n" \
	" [--import-limit SECONDS] [--grace SECONDS] [--work DIR]\n" \
	" [--root DIR]..."
#define IMAGE_READY_USAGE "image ready IMAGE --site SITE"
#define IMAGE_USAGE \
	IMAGE_LIST_USAGE "\n" IMAGE_EXPORT_USAGE "\n" IMAGE_INSPECT_USAGE \
	"\n" IMAGE_IMPORT_USAGE "\n" IMAGE_KEEP_USAGE "\n" \
	IMAGE_COPY_USAGE "\n" IMAGE_READY_USAGE

#endif
