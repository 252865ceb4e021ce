# xcatvault: one program.  GNU make; objects under $(BUILD).
#   make            the program, build/xcatvault
#   make check      all tests           make demo   what it does, shown
#   make lint       style and analysis  make bench  figures beside its peers
#   V=1 shows commands; SAN=address,undefined or SAN=thread instruments.

PREFIX ?= /usr/local
BUILD ?= build
SBIN = $(DESTDIR)$(PREFIX)/sbin
MAN = $(DESTDIR)$(PREFIX)/share/man
UNIT_DIR = $(DESTDIR)$(PREFIX)/lib/systemd/system
DOC = $(DESTDIR)$(PREFIX)/share/doc/xcatvault
CONF = $(DESTDIR)/etc/xcatvault.conf
Q = $(if $(V),,@)

LIBS = libzstd libcrypto jansson libconfig libssh sqlite3 libxml-2.0 zlib \
	libarchive libsquashfs1 libisal
CHECK_LIBS = cmocka
HAVE := $(shell pkg-config --exists $(LIBS) && test -e /usr/include/uthash.h && echo yes)

CFLAGS ?= -O2 -g
WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wformat=2 -Wundef -Wvla -Wcast-qual -Wwrite-strings
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I. $(WARN) \
	-fstack-protector-strong $(if $(WERROR),-Werror) $(CFLAGS) \
	$(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer) \
	$(shell pkg-config --cflags $(LIBS) 2>/dev/null)
ALL_LDLIBS = $(shell pkg-config --libs $(LIBS) 2>/dev/null) -lpthread

SRC = main.c \
	backup/archived.c backup/batch.c backup/docker.c backup/dumpcheck.c \
	backup/facts.c backup/full.c backup/hook.c backup/init.c \
	backup/known.c backup/lane.c backup/large.c backup/links.c \
	backup/main.c backup/merge.c backup/night.c backup/places.c \
	backup/pool.c backup/prefetch.c backup/present.c backup/program.c \
	backup/read.c backup/receive.c backup/resume.c backup/run.c \
	backup/serve.c backup/site.c backup/siteshow.c backup/summary.c \
	backup/tarsaid.c backup/walk.c backup/wanted.c \
	base/arena.c base/buf.c base/cancel.c base/cli.c base/clock.c \
	base/config.c base/confrule.c base/cpu.c base/digest.c base/err.c \
	base/human.c base/io.c base/nametab.c base/outfile.c base/progress.c \
	base/queue.c base/report.c \
	formats/cutter.c formats/dbtext.c formats/dockerdef.c \
	formats/frame.c formats/gnuname.c formats/gnutar.c \
	formats/imgmanifest.c formats/mtree.c formats/nodefacts.c \
	formats/osarch.c formats/osfs.c formats/osimages.c formats/oslists.c \
	formats/osneeds.c formats/osshow.c formats/packindex.c \
	formats/pathtext.c formats/scan.c formats/snapshot.c formats/tarin.c \
	formats/treenode.c formats/ustar.c formats/vaultmeta.c \
	formats/walkent.c formats/wire.c formats/xcatcsv.c \
	formats/xcatdump.c formats/xcatlist.c formats/xcatloss.c \
	formats/xcatpaths.c formats/xcatschema.c formats/xcatset.c \
	imgxfer/aside.c imgxfer/bootparts.c imgxfer/bundle.c imgxfer/carve.c \
	imgxfer/copy.c imgxfer/export.c imgxfer/exportargs.c \
	imgxfer/exportextra.c imgxfer/exportfiles.c imgxfer/exportleft.c \
	imgxfer/exportplan.c imgxfer/exportproof.c imgxfer/exportroom.c \
	imgxfer/exportrow.c imgxfer/exportrun.c imgxfer/exportshow.c \
	imgxfer/exportvault.c imgxfer/flow.c imgxfer/gzout.c imgxfer/held.c \
	imgxfer/heldsaid.c imgxfer/imginspect.c imgxfer/imgkeep.c \
	imgxfer/imgsite.c imgxfer/import.c imgxfer/importcmd.c \
	imgxfer/importextra.c imgxfer/importfrom.c imgxfer/importkeep.c \
	imgxfer/importlook.c imgxfer/importnode.c imgxfer/importplan.c \
	imgxfer/importrows.c imgxfer/importsend.c imgxfer/importshow.c \
	imgxfer/inspect.c imgxfer/inspectpath.c imgxfer/inspectshow.c \
	imgxfer/judge.c imgxfer/judgearch.c imgxfer/judgemember.c \
	imgxfer/keepcmd.c imgxfer/kept.c imgxfer/keptabout.c \
	imgxfer/keptcmd.c imgxfer/keptfile.c imgxfer/lay.c imgxfer/list.c \
	imgxfer/main.c imgxfer/native.c imgxfer/nativemanifest.c \
	imgxfer/nativetree.c imgxfer/newc.c imgxfer/noderange.c \
	imgxfer/publish.c imgxfer/pull.c imgxfer/ready.c imgxfer/readyboot.c \
	imgxfer/readycmd.c imgxfer/readydhcp.c imgxfer/readynodes.c \
	imgxfer/recent.c imgxfer/rootimg.c imgxfer/sidecar.c \
	imgxfer/source.c imgxfer/squash.c imgxfer/treenames.c \
	imgxfer/unpack.c \
	remote/address.c remote/auth.c remote/connect.c remote/exec.c \
	remote/hostkey.c remote/quote.c remote/run.c remote/session.c \
	remote/tty.c \
	remote/node/dump.c remote/node/listing.c remote/node/node.c \
	remote/node/nodefs.c remote/node/nodefstext.c remote/node/probe.c \
	remote/node/probetext.c remote/node/reach.c remote/node/stand.c \
	remote/node/tables.c remote/node/tarstream.c \
	restore/apply.c restore/ask.c restore/attrs.c restore/cat.c \
	restore/closer.c restore/compare.c restore/compose.c \
	restore/composecmd.c restore/dbcmd.c restore/dbcsv.c \
	restore/dbdiff.c restore/dbfiles.c restore/dbjudge.c \
	restore/dbmerge.c restore/dbnames.c restore/dbput.c \
	restore/dbputtell.c restore/dbrows.c restore/dbset.c \
	restore/dbstage.c restore/dbtables.c restore/dbtrial.c \
	restore/dbundo.c restore/dbwork.c restore/diff.c restore/drill.c \
	restore/export.c restore/extract.c restore/find.c restore/join.c \
	restore/linkset.c restore/list.c restore/lookup.c restore/ls.c \
	restore/main.c restore/onto.c restore/ontodb.c restore/ontofacts.c \
	restore/ontoimage.c restore/ontokey.c restore/ontoplan.c \
	restore/oscmd.c restore/ossnap.c restore/partial.c restore/pax.c \
	restore/place.c restore/plan.c restore/prune.c restore/pump.c \
	restore/reasons.c restore/rehome.c restore/scratchdb.c \
	restore/scrub.c restore/select.c restore/send.c restore/sendattrs.c \
	restore/sendlane.c restore/sendpass.c restore/sendproof.c \
	restore/show.c restore/sieve.c restore/snapfs.c restore/subtree.c \
	restore/survey.c restore/target.c restore/tarput.c restore/verify.c \
	restore/view.c restore/wanted.c restore/window.c restore/zout.c \
	vault/bloblist.c vault/catalog.c vault/commit.c vault/content.c \
	vault/deposit.c vault/fetch.c vault/idset.c vault/index.c \
	vault/intake.c vault/keep.c vault/mux.c vault/pack.c \
	vault/packname.c vault/place.c vault/segment.c vault/serve.c \
	vault/servelink.c vault/snapshots.c vault/store.c vault/store_dir.c \
	vault/store_ssh.c vault/store_wire.c vault/tree.c vault/vault.c
OBJ = $(SRC:%.c=$(BUILD)/%.o) $(BUILD)/text.o
LIB_OBJ = $(filter-out $(BUILD)/main.o,$(OBJ))
UNIT = $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))
FUZZ = $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
PAGES = $(wildcard man/*.1 man/*.5)
UNITS = xcatvault@.service xcatvault@.timer
# Suites in which a vault plays no part, or none that differs.
NO_VAULT = config disaster dump full help image_copy image_export image_import \
	image_inspect image_list image_native image_undo install mn node \
	onto ontocut publish remote serve site tables

all: $(if $(HAVE),,deps) $(BUILD)/xcatvault

# With a library missing, install it and start over: the flags above were
# worked out without it.
ifeq ($(HAVE),)
$(BUILD)/xcatvault: deps
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD) $@
else
$(BUILD)/xcatvault: $(OBJ)
	@$(if $(V),,echo "  LD    $@")
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(OBJ) $(ALL_LDLIBS)
endif

$(BUILD)/%.o: %.c
	@$(if $(V),,echo "  CC    $<")
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# What init puts into every vault, and what runs on a node, as C strings.
TEXTS = backup/facts.sh backup/wanted.sh imgxfer/held.pl imgxfer/import.pl \
	imgxfer/import.sh imgxfer/importtar.pl remote/node/beside.sh \
	remote/node/dump.sh remote/node/nodefs.pl remote/node/probe.sh \
	remote/node/publish.pl remote/node/tables.pl restore/attrs.pl \
	restore/dbstage.sh restore/keepold.sh vault/README.txt \
	vault/recover.sh
$(BUILD)/text.c: $(TEXTS) Makefile
	@mkdir -p $(@D)
	$(Q)for f in $(TEXTS); do \
		n=$$(echo $$f | tr 'A-Z/.' 'a-z__'); \
		echo "extern const char $$n[];"; \
		echo "const char $$n[] ="; \
		sed 's/[\\"?]/\\&/g; s/^/"/; s/$$/\\n"/' $$f; \
		echo ";"; \
	done > $@.tmp && mv $@.tmp $@
$(BUILD)/text.o: $(BUILD)/text.c
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

-include $(OBJ:.o=.d)

deps:
	$(Q)sh tests/deps.sh build
check-deps:
	$(Q)sh tests/deps.sh check

# Tests
$(BUILD)/tests/unit/%: tests/unit/%.c $(LIB_OBJ)
	@$(if $(V),,echo "  CC    $@")
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $< $(LIB_OBJ) $(ALL_LDLIBS) \
		$(shell pkg-config --libs $(CHECK_LIBS))
$(BUILD)/tests/cli/%: tests/cli/%.c $(LIB_OBJ)
	@$(if $(V),,echo "  CC    $@")
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $< $(LIB_OBJ) $(ALL_LDLIBS)
$(BUILD)/tests/fuzz/%: tests/fuzz/%.c tests/fuzz/replay.c $(LIB_OBJ)
	@$(if $(V),,echo "  CC    $@")
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $< tests/fuzz/replay.c $(LIB_OBJ) \
		$(ALL_LDLIBS)

check: check-deps
	$(Q)$(MAKE) --no-print-directory check-run
check-run: $(BUILD)/xcatvault check-unit check-corpus check-cli
check-unit: $(UNIT)
	$(Q)for t in $(UNIT); do $$t || exit 1; done
check-corpus: $(FUZZ:%=$(BUILD)/tests/fuzz/%)
	$(Q)for f in $(FUZZ); do \
		$(BUILD)/tests/fuzz/$$f tests/fuzz/corpus/$${f#fuzz_} || exit 1; \
	done
# Side by side, for they wait much: the suites about vaults with vaults in
# directories, the same once more with vaults behind ssh, and the others.
VAULT_BATS = $(filter-out $(NO_VAULT:%=tests/cli/%.bats),$(wildcard tests/cli/*.bats))
check-cli: $(BUILD)/xcatvault $(BUILD)/tests/cli/remote_tool
	$(Q)$(MAKE) --no-print-directory -Otarget -j3 check-cli-dir \
		check-cli-ssh check-cli-node
check-cli-dir:
	$(Q)XCATVAULT=$(abspath $(BUILD))/xcatvault bats $(VAULT_BATS) tests/fault
check-cli-ssh:
	$(Q)XCATVAULT=$(abspath $(BUILD))/xcatvault XCATVAULT_TEST_VAULT=ssh \
		bats $(VAULT_BATS)
check-cli-node:
	$(Q)XCATVAULT=$(abspath $(BUILD))/xcatvault \
		bats $(NO_VAULT:%=tests/cli/%.bats)
check-fault: check-deps $(BUILD)/xcatvault
	$(Q)XCATVAULT=$(abspath $(BUILD))/xcatvault tests/fault/sweep.sh full

# Each target for FUZZ_SECONDS, starting from its corpus.
FUZZ_SECONDS ?= 60
fuzz: check-deps
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC=clang \
		SAN=fuzzer-no-link,address,undefined fuzz-build
	$(Q)for f in $(FUZZ); do \
		mkdir -p $(BUILD)/fuzz/found/$$f; \
		$(BUILD)/fuzz/$$f -max_total_time=$(FUZZ_SECONDS) -max_len=65536 \
			$(BUILD)/fuzz/found/$$f tests/fuzz/corpus/$${f#fuzz_} || exit 1; \
	done
fuzz-build: $(FUZZ:%=$(BUILD)/%)
$(BUILD)/fuzz_%: tests/fuzz/fuzz_%.c $(LIB_OBJ)
	$(Q)$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer,address,undefined -o $@ $< \
		$(LIB_OBJ) $(ALL_LDLIBS)

bench: $(BUILD)/xcatvault $(BUILD)/tests/cli/remote_tool \
		$(BUILD)/tests/cli/judge_tool
	$(Q)XCATVAULT=$(abspath $(BUILD))/xcatvault tests/bench/run.sh $(BENCH)
demo: all
	$(Q)sh tests/deps.sh demo
	$(Q)XCATVAULT=$(abspath $(BUILD))/xcatvault sh tests/demo.sh

lint: check-deps
	$(Q)BUILD=$(BUILD) CFLAGS="$(ALL_CFLAGS)" sh tests/lint.sh
format:
	$(Q)clang-format -i $$(git ls-files '*.c' '*.h')

# Where pages and units say that the files of "make install" are.
PLACES = s,/usr/local/\(sbin/xcatvault\|lib/systemd\|share/doc\),$(PREFIX)/\1,g
install: all
	install -D -m 755 $(BUILD)/xcatvault $(SBIN)/xcatvault
	for p in $(PAGES); do \
		d=$(MAN)/man$${p##*.}; \
		mkdir -p $$d && sed '$(PLACES)' $$p > $$d/$${p#man/} && \
			chmod 644 $$d/$${p#man/} || exit 1; \
	done
	for u in $(UNITS) xcatvault.cron; do \
		d=$(UNIT_DIR); [ $$u != xcatvault.cron ] || d=$(DOC); \
		mkdir -p $$d && sed '$(PLACES)' \
			backup/$$u > $$d/$$u && chmod 644 $$d/$$u || exit 1; \
	done
	install -D -m 644 xcatvault.conf.example $(DOC)/xcatvault.conf.example
	test -e $(CONF) || install -D -m 600 xcatvault.conf.example $(CONF)
uninstall:
	rm -f $(SBIN)/xcatvault
	for p in $(PAGES); do rm -f $(MAN)/man$${p##*.}/$${p#man/}; done
	for u in $(UNITS); do rm -f $(UNIT_DIR)/$$u; done
	rm -f $(DOC)/xcatvault.cron $(DOC)/xcatvault.conf.example
	rmdir $(DOC) 2>/dev/null || :
	! cmp -s xcatvault.conf.example $(CONF) || rm -f $(CONF)

VERSION = $(shell sed -n 's/.*XCATVAULT_VERSION "\(.*\)"/\1/p' base/version.h)
dist:
	git archive --prefix=xcatvault-$(VERSION)/ HEAD | \
		gzip -9n > xcatvault-$(VERSION).tar.gz
clean:
	rm -rf $(BUILD)

.PHONY: all deps check-deps check check-run check-unit check-corpus check-cli \
	check-cli-dir check-cli-ssh check-cli-node \
	check-fault fuzz fuzz-build bench demo lint format install uninstall \
	dist clean
