package stage

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// tableName is what the table and the chain of Firewall are called.
const tableName = "closewait\x00"

// Firewall makes this network drop every TCP segment it would send: a rule of nf_tables at the hook of outgoing packets. TCP is told that sending failed (EPERM), which a
// rule on the way of incoming packets would not do.
//
// Errors: those for which [Absent] is true say that the kernel has no nf_tables.
func (n *Network) Firewall() error {
	return n.within(func() error {
		var batch []byte
		for _, r := range []*request{batchEdge(unix.NFNL_MSG_BATCH_BEGIN), newTable(), outputChain(), dropTCP(), batchEdge(unix.NFNL_MSG_BATCH_END)} {
			batch = append(batch, r.finish()...)
		}
		return exchange(unix.NETLINK_NETFILTER, batch)
	})
}

// batchEdge begins or ends a transaction: nf_tables takes its requests in no other way.
func batchEdge(kind uint16) *request {
	r := &request{make([]byte, unix.SizeofNlMsghdr)}
	binary.NativeEndian.PutUint16(r.bytes[4:], kind)
	binary.NativeEndian.PutUint16(r.bytes[6:], unix.NLM_F_REQUEST)
	r.append([]byte{unix.AF_UNSPEC, unix.NFNETLINK_V0, 0, unix.NFNL_SUBSYS_NFTABLES}) // struct nfgenmsg, its number of the subsystem in network order
	return r
}

// newFilter begins a request about tables of both IP versions.
func newFilter(kind uint16) *request {
	const inet = 1 // NFPROTO_INET, include/uapi/linux/netfilter.h
	return newRequest(unix.NFNL_SUBSYS_NFTABLES<<8|kind, 0, [4]byte{inet, unix.NFNETLINK_V0})
}

func newTable() *request {
	r := newFilter(unix.NFT_MSG_NEWTABLE)
	r.put(unix.NFTA_TABLE_NAME, []byte(tableName))
	return r
}

func outputChain() *request {
	const localOut, priority = 3, 0 // NF_INET_LOCAL_OUT, NF_IP_PRI_FILTER
	r := newFilter(unix.NFT_MSG_NEWCHAIN)
	r.put(unix.NFTA_CHAIN_TABLE, []byte(tableName))
	r.put(unix.NFTA_CHAIN_NAME, []byte(tableName))
	r.attribute(unix.NFTA_CHAIN_HOOK|unix.NLA_F_NESTED, func() {
		r.number(unix.NFTA_HOOK_HOOKNUM, localOut)
		r.number(unix.NFTA_HOOK_PRIORITY, priority)
	})
	r.put(unix.NFTA_CHAIN_TYPE, []byte("filter\x00"))
	return r
}

// dropTCP is the rule "meta l4proto tcp drop".
func dropTCP() *request {
	r := newFilter(unix.NFT_MSG_NEWRULE)
	r.put(unix.NFTA_RULE_TABLE, []byte(tableName))
	r.put(unix.NFTA_RULE_CHAIN, []byte(tableName))
	r.attribute(unix.NFTA_RULE_EXPRESSIONS|unix.NLA_F_NESTED, func() {
		r.expression("meta", func() {
			r.number(unix.NFTA_META_KEY, unix.NFT_META_L4PROTO)
			r.number(unix.NFTA_META_DREG, unix.NFT_REG_1)
		})
		r.expression("cmp", func() {
			r.number(unix.NFTA_CMP_SREG, unix.NFT_REG_1)
			r.number(unix.NFTA_CMP_OP, unix.NFT_CMP_EQ)
			r.attribute(unix.NFTA_CMP_DATA|unix.NLA_F_NESTED, func() { r.put(unix.NFTA_DATA_VALUE, []byte{unix.IPPROTO_TCP}) })
		})
		r.expression("immediate", func() {
			r.number(unix.NFTA_IMMEDIATE_DREG, unix.NFT_REG_VERDICT)
			r.attribute(unix.NFTA_IMMEDIATE_DATA|unix.NLA_F_NESTED, func() {
				r.attribute(unix.NFTA_DATA_VERDICT|unix.NLA_F_NESTED, func() { r.number(unix.NFTA_VERDICT_CODE, drop) })
			})
		})
	})
	return r
}

const drop = 0 // NF_DROP

// expression appends a step of a rule.
func (r *request) expression(name string, data func()) {
	r.attribute(unix.NFTA_LIST_ELEM|unix.NLA_F_NESTED, func() {
		r.put(unix.NFTA_EXPR_NAME, []byte(name+"\x00"))
		r.attribute(unix.NFTA_EXPR_DATA|unix.NLA_F_NESTED, data)
	})
}

// number appends a number in network order, as all are in nf_tables.
func (r *request) number(kind uint16, n uint32) {
	r.put(kind, binary.BigEndian.AppendUint32(nil, n))
}
